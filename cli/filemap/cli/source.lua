-- Sections, files and standard streams by the word that a user gives. Internal to the command.
--
-- A word is a section's name, or a path where it begins with "./" or "../", has the form "/…/…", or if
-- --file is given. "-" is standard input.
local fail = require "filemap.cli.fail"
local filemap = require "filemap"
local names = require "filemap.cli.names"
local nearest = require "filemap.cli.nearest"
local shell = require "filemap.cli.shell"

local source = {}

local windows = filemap.platform == "win32"

--- Whether a word is a path.
function source.is_path(word, file)
  if file then return true end
  if windows and (word:find("^%a:[/\\]") or word:find("^%.%.?\\")) then return true end
  return word:find("^%.%.?/") ~= nil or word:find("^/[^/]*/.") ~= nil
end

--- Fails if a word that must be a section's name is a path.
function source.check_name(word)
  if source.is_path(word) then fail.usage(("'%s' is a path, not a section's name"):format(word)) end
end

--- Removes a /name, which the system keeps, as soon as this process ends, however it ends. Returns a pipe to
-- close at the end, which removes the name at once; nil for a name that lives as long as its holders.
function source.remove_at_end(name)
  if windows or name:sub(1, 1) ~= "/" then return nil end
  return fail.unless(shell.at_end(shell.lua(("require('filemap').unlink(%q)"):format(name))))
end

-- The live name that a user probably meant.
local function similar(name)
  local live = {}
  for _, entry in ipairs(names()) do
    live[#live + 1] = entry.name
    live[#live + 1] = entry.name:match("^Local\\(.*)$")
  end
  return nearest(name, live)
end

--- Fails for a name or a path (see source.is_path) that could not be opened.
function source.failed(name, message, code, file)
  local near = code == "not_found" and not source.is_path(name, file) and similar(name)
  return fail(message .. (near and ("; did you mean '%s'?"):format(near) or ""))
end

-- The paths of open files, for messages.
local labels = setmetatable({ [io.stdin] = "standard input" }, { __mode = "k" })

--- What stream:read(format) returns; fails if the stream cannot be read, such as a folder.
function source.read(stream, format)
  local bytes, message = stream:read(format)
  if message then fail(("%s: %s"):format(labels[stream] or "input", message)) end
  return bytes
end

-- All of standard input as unnamed memory.
local function standard_input()
  local bytes = source.read(io.stdin, "a")
  if #bytes == 0 then fail("standard input: is empty") end
  local map = fail.unless(filemap.create(nil, #bytes))
  local view = fail.unless(map:view())
  view:set_string(0, bytes)
  return view, map
end

--- A view of all of a map.
function source.view(map, word)
  if #map == 0 then fail(word .. ": is empty") end
  return fail.unless(map:view())
end

--- Opens a section, a file or standard input. Returns a view of all of it, and its map.
function source.open(word, file, access)
  if word == "-" then return standard_input() end
  local open = source.is_path(word, file) and filemap.file or filemap.open
  local map, message, code = fail.raised(1, open, word, access or "r")
  if not map then source.failed(word, message, code, file) end
  return source.view(map, word), map
end

--- Opens a file for reading or writing as a stream of bytes; "-" is a standard stream.
function source.stream(path, mode)
  if path == "-" then return mode:find("r") and io.stdin or io.stdout end
  local file, message = io.open(path, mode)
  if not file then fail(message) end
  labels[file] = path
  return file
end

-- Succeeds if the file at a path is also open as a descriptor above 2 of the process that runs this. (-ef
-- compares devices and inodes. Where there is no /proc, it finds nothing.)
local IS_OPEN = [=[target=%s; [ -f "$target" ] || exit 1
for file in /proc/$PPID/fd/*; do
  case ${file##*/} in [012]) continue ;; esac
  if [ "$file" -ef "$target" ]; then exit 0; fi
done 2>/dev/null
exit 1]=]

--- Opens a file for writing, as source.stream does, after the source is open. Fails if the file is the
-- source, which would lose its bytes.
function source.output(path)
  if path ~= "-" and not windows and shell.run(IS_OPEN:format(shell.quote(path))) == 0 then
    fail(path .. ": is the file that is read")
  end
  return source.stream(path, "wb")
end

--- Iterates over the messages of a stream: its lines, or with `raw` all of it as one.
function source.messages(stream, raw)
  if not raw then
    return function()
      local line = source.read(stream, "l")
      return line and (windows and line:gsub("\r$", "") or line)
    end
  end
  local read
  return function()
    if read then return nil end
    read = true
    return source.read(stream, "a")
  end
end

return source
