-- The site that script/site builds: each link of each page leads to a page and an anchor that exist, pages
-- load nothing from the network, and all guides and examples are there.
local lfs = require "lfs"
local support = require "spec.support"

local site <const> = "build/site"

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
end

local files = support.files

local function resolve(page, path)
  local at = page:match("^(.*/)[^/]*$")
  while path:find("^%.%./") do path, at = path:sub(4), at:gsub("[^/]+/$", "") end
  return at .. path
end

-- The anchors of a page: a set.
local known = {}
local function anchors_of(path)
  if known[path] then return known[path] end
  local anchors = {}
  for name in read(path):gmatch('<[^>]- id="([^"]*)"') do anchors[name] = true end
  for name in read(path):gmatch('<a name="([^"]*)"') do anchors[name] = true end
  known[path] = anchors
  return anchors
end

local function unescape(target)
  target = target:gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end)
  return (target:gsub("&amp;", "&"))
end

-- What is wrong with a target that a page names; nil if nothing is.
local function problem(page, target)
  local path, anchor = target:match("^([^#]*)#?(.*)$")
  if path:find("^https?:") then return nil end
  path = path == "" and page or resolve(page, unescape(path))
  if lfs.attributes(path, "mode") ~= "file" then return "no such file" end
  if anchor ~= "" and not anchors_of(path)[unescape(anchor)] then return "no such anchor" end
end

support.only("posix", "the site is built on Linux", function()
  describe("the site", function()
    local pages

    lazy_setup(function()
      local line = "env -u LD_PRELOAD -u LUA_CPATH script/site >build/site_spec.log 2>&1"
      assert(os.execute(line), "script/site failed")
      pages = files(site, "%.html$")
    end)

    it("has no link that leads nowhere", function()
      local bad, seen = {}, 0
      for _, page in ipairs(pages) do
        for name, target in read(page):gsub("<pre.->.-</pre>", ""):gmatch('%f[%w](%a+)="([^"]*)"') do
          if name == "href" or name == "src" then
            local why = problem(page, target)
            seen = seen + 1
            if why then bad[#bad + 1] = ("%s: %s: %s"):format(page, target, why) end
          end
        end
      end
      assert.same({}, bad)
      assert.is_true(seen > 1000)
    end)

    it("has a search whose results all exist", function()
      local seen, bad = 0, {}
      for page in read(site .. "/names.js"):gmatch('page: "(.-)"') do
        seen = seen + 1
        bad[#bad + 1] = problem(site .. "/index.html", page) and page
      end
      assert.same({}, bad)
      assert.is_true(seen > 300)
      assert.is_truthy(read(site .. "/names.js"):find('"view:get_i32 (offset)"', 1, true))
      assert.is_truthy(read(site .. "/names.js"):find('"array:get ([i=1[, j]])"', 1, true))
    end)

    it("loads nothing from the network", function()
      for _, page in ipairs(pages) do
        assert.is_falsy(read(page):find('src="%a+:'), page)
        assert.is_falsy(read(page):find('<link[^>]*href="%a+:'), page)
      end
    end)

    it("has every guide and every example", function()
      for _, path in ipairs(files("doc", "%.md$")) do
        assert.is_truthy(lfs.attributes(("%s/guides/%s.html"):format(site, path:match("[^/]+$"))), path)
      end
      for name in lfs.dir("examples") do
        if name:find("%.lua$") then
          local page = ("%s/examples/%s.html"):format(site, name)
          assert.is_truthy(lfs.attributes(page), name .. ": not in config.ld")
        end
      end
    end)

    it("shows an example for each call", function()
      for _, page in ipairs(files(site .. "/modules", "%.html$")) do
        local html = read(page)
        for name, text in html:gmatch('<dt id="([%w_.:]+)">%s*<strong>[^<]*%b()</strong>(.-)</dd>') do
          assert.is_truthy(text:find('class="example"', 1, true), page .. " has no example of " .. name)
        end
      end
    end)
  end)
end)
