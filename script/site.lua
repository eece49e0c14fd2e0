-- The second half of script/site: completes the pages that LDoc made.
--   lua site.lua FOLDER
local lfs = require "lfs"
local site = assert(arg[1], "usage: site.lua FOLDER")

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
end

local function write(path, text)
  local file <close> = assert(io.open(path, "wb"))
  file:write(text)
end

-- The pages in a folder of the site, sorted.
local function pages_in(folder)
  local found = {}
  for name in lfs.dir(site .. "/" .. folder) do
    if name:find("%.html$") then found[#found + 1] = folder .. "/" .. name end
  end
  table.sort(found)
  return found
end

local function exists(path) return lfs.attributes(path, "mode") ~= nil end

-- The path of a target that is relative to a file.
local function resolve(from, path)
  local at = from:match("^(.*/)[^/]*$") or ""
  while path:find("^%.%./") do path, at = path:sub(4), at:gsub("[^/]+/$", "") end
  return at .. path
end

-- {-- Files that pages link to ---------------------------------------------------------------------

local function make_folders(path)
  for folder in path:gmatch("()/") do lfs.mkdir(path:sub(1, folder - 1)) end
end

-- Where a file of the project is on the site, relative to a folder of it. A file that has no page is copied.
local function place_of(path)
  local name = path:match("[^/]+$")
  if path:find("%.md$") then return "../guides/" .. name .. ".html" end
  if exists(("%s/examples/%s.html"):format(site, name)) and path:find("^examples/[^/]+%.lua$") then
    return "../examples/" .. name .. ".html"
  end
  if lfs.attributes(path, "mode") == "directory" then return nil end
  local copy = ("%s/files/%s"):format(site, path)
  make_folders(copy)
  write(copy, read(path))
  return "../files/" .. path
end

-- Turns the links of a guide, which are relative to its Markdown file, into those of the site. A link to a
-- folder becomes plain text.
local function rewrite_links(html, source)
  html = html:gsub('<a href="([^"]*)">(.-)</a>', function(target, text)
    local path, anchor = target:match("^([^#]*)(.*)$")
    if path == "" or path:find("^%a+:") or path:find("^%.%./%a+/[^/]+%.html$") then return nil end
    local place = place_of(resolve(source, path))
    return place and ('<a href="%s%s">%s</a>'):format(place, anchor, text) or text
  end)
  return (html:gsub('src="([^"]*)"', function(target)
    return ('src="%s"'):format(place_of(resolve(source, target)))
  end))
end

-- {-- Guides ---------------------------------------------------------------------------------------

local escapes = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" }
local function escape(text) return (text:gsub("[&<>]", escapes)) end

local function plain(html)
  return (html:gsub("<.->", ""):gsub("&lt;", "<"):gsub("&gt;", ">")
    :gsub("&quot;", '"'):gsub("&[lr]squo;", "'")
    :gsub("&[lr]dquo;", '"'):gsub("&hellip;", "…"):gsub("&amp;", "&"))
end

-- The code blocks of a Markdown file: { language, text }. An indented block has the language "".
local function blocks_of(text)
  local blocks, fence, indented = {}, nil, nil
  for line in text:gmatch("([^\n]*)\n") do
    if fence then
      if line == "```" then fence = nil else fence.text = fence.text .. line .. "\n" end
    elseif line:find("^```") then
      fence, indented = { language = line:match("^```(%a*)"), text = "" }, nil
      blocks[#blocks + 1] = fence
    elseif line:find("^    ") then
      indented = indented or { language = "", text = "" }
      if indented.text == "" then blocks[#blocks + 1] = indented end
      indented.text = indented.text .. line:sub(5) .. "\n"
    elseif line ~= "" then indented = nil
    elseif indented then indented.text = indented.text .. "\n" end
  end
  return blocks
end

-- LDoc colours every block as Lua or C. This undoes it for other languages and the shell.
local function uncolour(html, source)
  local blocks, n = blocks_of(read(source)), 0
  html = html:gsub("<pre>.-</pre>", function()
    n = n + 1
    local block = assert(blocks[n], source .. " has fewer blocks than its page")
    if block.language == "lua" or block.language == "c" then return nil end
    return ("<pre>\n%s</pre>"):format(escape((block.text:gsub("\n+$", "\n"))))
  end)
  assert(n == #blocks, source .. " has more blocks than its page")
  return html
end

-- Gives each heading the anchor that it has on GitHub. Returns the headings too:
-- { text, anchor, tag }.
local function name_headings(html)
  local count, headings = {}, {}
  html = html:gsub("<(h%d)>(.-)</h%d>", function(tag, inner)
    local text = plain(inner)
    local anchor = text:lower():gsub("[^%w%s_\x80-\xff-]", ""):gsub("…", ""):gsub("%s", "-")
    local same = count[anchor]
    count[anchor] = (same or 0) + 1
    if same then anchor = ("%s-%d"):format(anchor, same) end
    headings[#headings + 1] = { text = text, anchor = anchor, tag = tag }
    return ('<%s id="%s">%s</%s>'):format(tag, anchor, inner, tag)
  end)
  return html, headings
end

local function source_of(page)
  local name = page:match("([^/]+)%.html$")
  return exists(name) and name or "doc/" .. name
end

-- The list of a guide's sections.
local function contents_of(headings)
  local lines = {}
  for _, heading in ipairs(headings) do
    if heading.tag == "h2" then
      lines[#lines + 1] = ('<li><a href="#%s">%s</a></li>'):format(heading.anchor, escape(heading.text))
    end
  end
  return #lines == 0 and "" or ("<h2>Contents</h2>\n<ul>\n%s\n</ul>"):format(table.concat(lines, "\n"))
end

-- A short piece of code, such as an option, is not broken at its hyphens.
local function mark_short(code)
  return #code <= 24 and ('<code class="short">%s</code>'):format(code) or nil
end

local function complete_guide(page, names)
  local source, html = source_of(page), read(site .. "/" .. page)
  local headings
  html = html:gsub("(<!%-%- guide %-%->)(.*)(<!%-%- /guide %-%->)", function(before, body, after)
    body, headings = name_headings(uncolour(rewrite_links(body, source), source))
    body = body:gsub("<table>", '<div class="table"><table>'):gsub("</table>", "</table></div>")
    return before .. body:gsub("<code>([^<]*)</code>", mark_short) .. after
  end)
  html = html:gsub("<!%-%- contents %-%->", function() return contents_of(headings) end)
  write(site .. "/" .. page, html)
  for _, heading in ipairs(headings) do
    names[#names + 1] = { heading.text, page .. "#" .. heading.anchor, headings[1].text }
  end
end

-- {-- The names that the search finds --------------------------------------------------------------

-- A number's methods have one entry, view:get_T, which is found by the names of all its types.
local types = { get = "i8 u8 i16 u16 i32 u32 i64 u64 f32 f64", other = "i32 u32 i64 u64" }
local function add_function(names, page, module, anchor, name)
  local stem = anchor:match("^(.*_)T$")
  for T in (stem and (types[stem:find("[gs]et_") and "get" or "other"]) or ""):gmatch("%w+") do
    names[#names + 1] = { stem .. T .. name:sub(#anchor + 1), page .. "#" .. anchor, module }
  end
  if not stem then names[#names + 1] = { name, page .. "#" .. anchor, module } end
end

local function add_module(names, page)
  local html, module = read(site .. "/" .. page), page:match("([^/]+)%.html$")
  names[#names + 1] = { module, page, "module" }
  for anchor, name in html:gmatch('<dt id="([^"]*)">%s*<strong>(.-)</strong>') do
    add_function(names, page, module, anchor, plain(name))
  end
end

local function names_of_site()
  local names = {}
  for _, page in ipairs(pages_in("modules")) do add_module(names, page) end
  for _, page in ipairs(pages_in("guides")) do complete_guide(page, names) end
  for _, page in ipairs(pages_in("examples")) do
    names[#names + 1] = { page:match("([^/]+)%.html$"), page, "example" }
  end
  return names
end

local function write_names(names)
  local lines = {}
  for i, entry in ipairs(names) do
    lines[i] = ("{ name: %q, page: %q, where: %q }"):format(table.unpack(entry))
  end
  write(site .. "/names.js", "window.names = [\n" .. table.concat(lines, ",\n") .. "\n];\n")
end

local names = names_of_site()
write_names(names)
write(site .. "/search.js", read("doc/site/search.js"))
print(("%s: %d names"):format(site, #names))
