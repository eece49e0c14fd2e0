--- Memory mapping as IPC, for LuaJIT: the module filemap over LuaJIT's ffi and the C library filemap. It has
-- the names, results and messages of the module for Lua 5.4. doc/luajit.md is the guide, and lists what
-- differs.
local arguments = require "filemap.ffi.arguments"
local errors = require "filemap.ffi.errors"
local ffi = require "ffi"
local library = require "filemap.ffi.library"
local map = require "filemap.ffi.map"

local C, e = library.C, library.e

local filemap = {
  _VERSION = "filemap " .. library.version,
  platform = ffi.string(C.fm_platform()),
  page_size = tonumber(C.fm_page_size()),
  granularity = tonumber(C.fm_granularity()),
  create = map.create, create_or_open = map.create_or_open, open = map.open, file = map.file,
  adopt = map.adopt,
}

--- Removes a POSIX name.
function filemap.unlink(name)
  local text, message, code = arguments.text(1, name)
  if not text then return nil, message, code, nil end
  return library.finish(C.fm_unlink(text, e), text)
end

--- Lists the live names that this user can see.
function filemap.list()
  local count, capacity, entries = ffi.new "size_t[1]", 0, nil
  count[0] = 16
  while count[0] > capacity do
    capacity = tonumber(count[0])
    entries = ffi.new("fm_entry[?]", capacity)
    if C.fm_list(entries, capacity, count, e) ~= 0 then return library.fail "list of names" end
  end
  local names = {}
  for i = 0, tonumber(count[0]) - 1 do
    names[i + 1] = { name = ffi.string(entries[i].name), size = library.integer(entries[i].size) }
  end
  return names
end

--- Returns the seconds of a monotonic clock.
function filemap.now() return C.fm_now() end

--- Suspends the process for so many seconds.
function filemap.sleep(seconds)
  if seconds == nil then errors.type(1, "number", seconds) end
  C.fm_sleep(arguments.timeout(1, seconds))
end

return filemap
