-- The texts that are read: the source itself and what it includes. Internal to filemap.cdef.
--
-- All texts share one line of positions: each has a base, and a byte's position is base + byte. An included
-- text starts where the one opened before it ends.
local lexer = require "filemap.cdef.lexer"

local Sources = {}
Sources.__index = Sources

-- Limits of one parse: opened texts, and their bytes. A bomb of includes reaches them within a second.
local MOST_TEXTS = 20000
local MOST_BYTES = 256 << 20

--- @param include a list of folders, a function (name) -> text, or nil
function Sources.new(include)
  return setmetatable({ include = include, opened = {}, texts = {}, bytes = 0 }, Sources)
end

-- A carriage return alone ends a line too, as for gcc and clang: a declaration behind it is not part of a
-- comment.
local function with_line_ends(text)
  if not text:find("\r[^\n]") and text:byte(-1) ~= 13 then return text end
  return (text:gsub("\r\n?", { ["\r"] = "\n" }))
end

--- Opens a text: { text, base, i, fresh, name (nil for the source itself), path, folder (index in `include`)
-- }.
function Sources:open(text, name, path, folder)
  local last = self.opened[#self.opened]
  local base = last and last.base + #last.text + 1 or 0
  text = with_line_ends(text)
  local source = { text = text, base = base, i = 1, fresh = true, name = name, path = path, folder = folder }
  self.opened[#self.opened + 1] = source
  self.bytes = self.bytes + #text
  return source
end

--- Raises if more was opened than a parse may open.
function Sources:check(at)
  if #self.opened > MOST_TEXTS or self.bytes > MOST_BYTES then
    lexer.fatal(at, "the includes come to too many files")
  end
end

-- The last element of a sorted list that is less than a number: its index, at least 1.
local function last_below(list, number, key)
  local low, high = 1, #list
  while low < high do
    local middle = (low + high + 1) // 2
    local element = key and list[middle][key] or list[middle]
    if element < number then low = middle else high = middle - 1 end
  end
  return low
end

-- The starts of the lines of a text, which the first error needs.
local function line_starts(source)
  local starts = source.lines
  if not starts then
    starts = { 0 }
    for newline in source.text:gmatch("()\n") do starts[#starts + 1] = newline end
    source.lines = starts
  end
  return starts
end

--- The text in which a position is.
function Sources:at(at)
  local opened = self.opened
  return opened[2] and opened[last_below(opened, at, "base")] or opened[1]
end

--- The name, line and column of a position, counted from 1. The name is nil for a source that is not a file.
function Sources:position(at)
  local source = self:at(at)
  local starts = line_starts(source)
  local line = last_below(starts, at - source.base)
  return source.name, line, at - source.base - starts[line]
end

--- An error as one line, with its position. An included text is named.
function Sources:describe(problem)
  local name, line, column = self:position(problem.at)
  return ("%sline %d, column %d: %s"):format(name and name .. ", " or "", line, column, self:message(problem))
end

--- The message of an error: of one that another caused, with that.
function Sources:message(problem)
  local cause = problem.cause
  return cause and ("%s (%s)"):format(problem.message, self:describe(cause)) or problem.message
end

-- The text of a file, nil if it cannot be read. Files that were read before are not read again.
function Sources:read(path)
  local text = self.texts[path]
  if text == nil then
    -- (io.open would take the name before a NUL byte.)
    local file = not path:find("\0", 1, true) and io.open(path, "rb")
    text = file and file:read("a") or false
    if file then file:close() end
    self.texts[path] = text
  end
  return text or nil
end

local function folder_of(path)
  return path and path:match("^(.*[/\\])") or ""
end

-- Tries a folder's file; returns its text and path.
function Sources:try(folder, name)
  if folder ~= "" and not folder:find("[/\\]$") then folder = folder .. "/" end
  local path = folder .. name
  local text = self:read(path)
  if text then return text, path end
end

-- Calls the program's function. Its error, of any type, ends the parse, and cdef.parse raises it as it is.
local function call_include(include, name)
  local well, text = pcall(include, name)
  if not well then error({ fatal = true, is_program = true, value = text }, 0) end
  if text ~= nil and type(text) ~= "string" then
    error(("option 'include' must return a string or nil, got %s"):format(type(text)), 0)
  end
  return text, name
end

--- Finds an include: its text, path, and the index of its folder; nil if there is none.
-- @param from the source that includes it
-- @param quoted whether it is written "…": then it is looked for beside `from` first
-- @param after looks only in the folders behind the one where `from` was found (#include_next)
function Sources:find(name, from, quoted, after)
  local include = self.include
  if type(include) == "function" then return call_include(include, name) end
  if name:find("^[/\\]") or name:find("^%a:[/\\]") then return self:try("", name) end
  if quoted and from.path and not after then
    local text, path = self:try(folder_of(from.path), name)
    if text then return text, path, from.folder end
  end
  for i = after and (from.folder or 0) + 1 or 1, include and #include or 0 do
    local text, path = self:try(include[i], name)
    if text then return text, path, i end
  end
end

return Sources
