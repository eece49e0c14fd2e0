--- The C library: its declarations, the loaded library, and what its calls share.
local ffi = require "ffi"
local header = require "filemap.ffi.header"

-- A program may have declared the header itself, and nothing can be declared twice.
if not pcall(ffi.typeof, "fm_error") then ffi.cdef(header.declarations) end
ffi.cdef [[
  void *memchr(const void *bytes, int byte, size_t length);
  int memcmp(const void *left, const void *right, size_t length);
]]

-- Before version 1.0 each minor version is an ABI of its own.
local major, minor, patch = unpack(header.version)
local abi = major > 0 and tostring(major) or ("0.%d"):format(minor)

-- The file of the library: the one that the environment names, else what the system's loader finds.
local function load_library()
  local path = os.getenv "FILEMAP_LIBRARY"
  if path then return ffi.load(path) end
  if ffi.os == "Windows" then
    local loaded, library = pcall(ffi.load, "libfilemap-" .. abi .. ".dll")
    return loaded and library or ffi.load("filemap-" .. abi .. ".dll")
  end
  return ffi.load("libfilemap.so." .. abi)
end

local C = load_library()

local found, needed = C.fm_version(), major * 10000 + minor * 100 + patch
local first = major > 0 and 10000 or 100 -- the part of a version that is the ABI
if found < needed or math.floor(found / first) ~= math.floor(needed / first) then
  error(("the C library filemap has version %d, this module needs version %d of the same ABI")
    :format(found, needed), 0)
end

local library = {
  C = C,
  OK = tonumber(C.FM_OK),
  FOREVER = header.FM_FOREVER,
  version = ("%d.%d.%d"):format(major, minor, patch),
  --- The description of the call that failed last. The next call overwrites it.
  e = ffi.new "fm_error",
}

--- Returns new options, of one of the header's two types, with their defaults.
function library.options(name)
  local options = ffi.new(name)
  options.struct_size = ffi.sizeof(name)
  for field, value in pairs(header.defaults[name]) do
    if type(value) == "string" then value = header[value] or C[value] end
    options[field] = value
  end
  return options
end

-- A description is copied first. Each later step may run a finalizer, whose calls may overwrite library.e.
local fm_error = ffi.typeof "fm_error"

--- Returns the sentence that describes the call that failed last.
function library.detail()
  local e = fm_error(library.e)
  return ffi.string(e.detail)
end

--- Returns what a call returns that failed: nil, "subject: detail", the code's word, and the system's number
-- or nil.
function library.fail(subject)
  local e = fm_error(library.e)
  local native = tonumber(e.native)
  return nil, subject .. ": " .. ffi.string(e.detail), ffi.string(C.fm_word(e.code)),
    native ~= 0 and native or nil
end

--- Returns what a call returns that has no result: true, or the failure of a code.
function library.finish(code, subject)
  if code ~= 0 then return library.fail(subject) end
  return true
end

--- An integer of 64 bits: a number if it is between -2^53 and 2^53, else cdata.
function library.integer(x)
  local number = tonumber(x)
  return number < 2^53 and number > -2^53 and number or x
end

return library
