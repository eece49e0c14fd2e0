-- The site that script/site builds: each link of each page leads to a page and an anchor that exist, pages
-- load nothing from the network, all guides and examples are there, and a browser finds room for each page.
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

-- A page for Chromium, in a folder above the site. It loads each page in frames of two widths. It prints the
-- pages that are wider than their frame, and what the search finds.
local BROWSER_PAGE <const> = [[
<!doctype html><meta charset="utf-8"><pre id="said"></pre><script>
"use strict";
const said = [], pages = [%s];

function load(page, width) {
  return new Promise((done) => {
    const frame = document.createElement("iframe");
    frame.style = `width: ${width}px; height: 800px; border: 0`;
    frame.src = page;
    frame.onload = () => done(frame);
    document.body.append(frame);
  });
}

// A link to the navigation, or the navigation itself, is on the screen.
function can_navigate(page) {
  return [".menu", "nav"].some((one) => {
    const box = page.querySelector(one).getBoundingClientRect();
    return box.width > 0 && box.top < 800 && box.right <= page.documentElement.clientWidth;
  });
}

// A table that is wider than the page scrolls in its own box. On a desktop only the figures of the page on
// performance have so many columns.
function tables_to_check(page, width, root) {
  return width < 1000 || page.includes("performance") ? [] : root.querySelectorAll(".table");
}

async function measure(page, width) {
  const frame = await load(page, width), root = frame.contentDocument.documentElement;
  if (root.scrollWidth > root.clientWidth) said.push(`${page} is ${root.scrollWidth} wide at ${width}`);
  for (const table of tables_to_check(page, width, root)) {
    const wide = table.scrollWidth, room = table.clientWidth;
    if (wide > room) said.push(`${page} has a table of ${wide}, cut to ${room} at ${width}`);
  }
  if (!can_navigate(frame.contentDocument)) said.push(`${page} has no navigation at ${width}`);
  frame.remove();
}

async function search(text, width) {
  const frame = await load("site/index.html", width), page = frame.contentDocument;
  const input = page.getElementById("search");
  input.value = text;
  input.dispatchEvent(new Event("input"));
  const first = page.querySelector("#found a"), box = first.getBoundingClientRect();
  if (box.left < 0 || box.right > width) said.push(`the search is cut at ${width}`);
  const next = new Promise((done) => { frame.onload = done; });
  input.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter" }));
  await next;
  said.push(`${text} leads to ${frame.contentWindow.location.href.match(/[^/]*$/)[0]}`);
  frame.remove();
}

(async () => {
  for (const width of [1280, 390]) {
    for (const page of pages) await measure(page, width);
    await search("view:get_i32", width);
  }
  document.getElementById("said").textContent = said.join("\n") + "\n" + pages.length + " pages";
})();
</script>]]

-- What the page prints in headless Chromium: its lines.
local function in_browser(pages)
  local names = {}
  for i, page in ipairs(pages) do names[i] = ("%q"):format((page:gsub("^build/", ""))) end
  local file <close> = assert(io.open("build/browser.html", "wb"))
  file:write(BROWSER_PAGE:format(table.concat(names, ",")))
  file:close()
  local pipe <close> = assert(io.popen([[data=$(mktemp -d); timeout 120 chromium --headless --no-sandbox \
    --disable-gpu --user-data-dir="$data" --allow-file-access-from-files --virtual-time-budget=100000 \
    --dump-dom "file://$PWD/build/browser.html" 2>build/browser.log; rm -rf "$data"]]))
  local lines = {}
  for line in (pipe:read("a"):match('<pre id="said">(.-)</pre>') or ""):gmatch("[^\n]+") do
    lines[#lines + 1] = line
  end
  return lines
end

-- Root lets script/site install what it needs.
local can_build = support.windows or os.execute("[ $(id -u) = 0 ]")
  or os.execute("dpkg-query -W lua-ldoc lua-discount >/dev/null 2>&1")

support.only("posix", "the site is built on Linux", function()
  if not can_build then return pending("the site (lua-ldoc and lua-discount are not installed)") end
  describe("the site", function()
    local pages

    lazy_setup(function()
      local line = "env -u LD_PRELOAD -u LUA_CPATH -u FILEMAP_PRESET script/site >build/site_spec.log 2>&1"
      if not os.execute(line) then error("script/site failed: " .. read("build/site_spec.log")) end
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

    local browsed = support.having("chromium", it)
    browsed("fits a desktop and a phone, with navigation and a search that works", function()
      local found = "view:get_i32 leads to filemap.html#view:get_T"
      assert.same({ found, found, #pages .. " pages" }, in_browser(pages))
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
