--- Maps: sections of memory and files that a process has open.
local arguments = require "filemap.ffi.arguments"
local errors = require "filemap.ffi.errors"
local ffi = require "ffi"
local library = require "filemap.ffi.library"
local object = require "filemap.ffi.object"
local view = require "filemap.ffi.view"

local C, e = library.C, library.e

local methods, map = {}, {}

-- The names as they were given. (In object.names there are labels: also paths.)
local given = setmetatable({}, { __mode = "k" })

local Map = object.type("filemap.map", "fm_map", methods, C.fm_map_close, function(self, pointer)
  local access, size = C.fm_map_access(pointer), library.integer(C.fm_map_size(pointer))
  return ("%s, %s bytes, %s"):format(object.names[self], errors.integer(size),
    ffi.string(C.fm_access_word(access)))
end)

--- Makes a view of a part of the map. The view stays valid when the map is closed.
function methods.view(self, offset, length, access)
  local v, out = view.new()
  local size = methods.size(self)
  offset = arguments.count(2, offset, "offset", 0)
  length = arguments.count(3, length, "length", offset < size and size - offset or 0)
  if access ~= nil then access = arguments.access(4, access) end
  if offset > size or length > size - offset then
    errors.argument(2, "offset %s + %s bytes is past the end of a %s-byte map", errors.integer(offset),
      errors.integer(length), errors.integer(size))
  end
  local pointer = object.handle(self, Map)
  access = access or C.fm_map_access(pointer)
  return view.finish(v, C.fm_view_open(out, pointer, offset, length, access, e), object.names[self])
end

--- The map's size in bytes.
function methods.size(self)
  return library.integer(C.fm_map_size(object.handle(self, Map)))
end

--- The name as it was given, nil for an unnamed map.
function methods.name(self)
  object.handle(self, Map)
  return given[self]
end

--- The access that the map gives, as a word.
function methods.access(self)
  local pointer = object.handle(self, Map)
  return ffi.string(C.fm_access_word(C.fm_map_access(pointer)))
end

--- The system's handle, which the map keeps.
function methods.handle(self)
  return library.integer(C.fm_map_handle(object.handle(self, Map)))
end

--- Gives the file of a file map another size.
function methods.resize(self, size)
  object.handle(self, Map)
  size = arguments.count(2, size, "size")
  return library.finish(C.fm_map_resize(object.handle(self, Map), size, e), object.names[self])
end

--- Reads the size of a file map's file again.
function methods.refresh(self)
  local pointer, _, _, size = object.begin(self, Map)
  if C.fm_map_refresh(pointer, size, e) ~= 0 then return library.fail(object.names[self]) end
  return library.integer(size[0])
end

-- {-- Making maps ---------------------------------------------------------------------------------

local created = ffi.new "bool[1]"

-- Does a name look like the path of a file?
local function is_path(name)
  return name:find("^%.%.?[/\\]") or name:find("^~/") or name:find("^%a:[/\\]") or name:find("^/.*/")
end

-- Ends a call that made a map by a name. Its failure tells of filemap.file if the name looks like a path.
local function finish(self, code, name)
  local label = name or "unnamed map"
  if code == 0 then
    given[self] = name
    return object.finish(self, code, label)
  end
  local _, message, word, native = library.fail(label)
  local is_told = message:find("filemap.file", #label + 1, true)
  if name and is_path(name) and not is_told and (word == "invalid" or word == "not_found") then
    message = message .. "; filemap.file maps a file by its path"
  end
  return nil, message, word, native
end

-- Checks a name that may be nil: returns whether it is right, and it or the failure.
local function opt_text(name)
  if name == nil then return true end
  local text, message, code = arguments.text(1, name)
  return text ~= nil, text, message, code
end

local MAKING = arguments.set "access mode sddl inherit commit large_pages"

--- Makes a new section.
function map.create(name, size, options)
  local right, text, message, code = opt_text(name)
  if not right then return nil, message, code, nil end
  size = arguments.count(2, size, "size")
  local self, out = object.new(Map)
  local o = arguments.options(3, options, MAKING).map
  return finish(self, C.fm_create(out, text, size, o, e), text)
end

--- Opens a section, or makes it.
function map.create_or_open(name, size, options)
  local right, text, message, code = opt_text(name)
  if not right then return nil, message, code, nil end
  size = arguments.count(2, size, "size")
  local self, out = object.new(Map)
  local o = arguments.options(3, options, MAKING).map
  local result = C.fm_create_or_open(out, created, text, size, o, e)
  local is_new = created[0]
  if result ~= 0 then return finish(self, result, text) end
  return finish(self, result, text), is_new
end

local OPENING = arguments.set "size inherit"

--- Opens an existing section.
function map.open(name, access, options)
  local text, message, code = arguments.text(1, name)
  if not text then return nil, message, code, nil end
  local self, out = object.new(Map)
  local o = arguments.options(3, options, OPENING).map
  o.access = arguments.access(2, access, C.FM_READ)
  return finish(self, C.fm_open(out, text, o, e), text)
end

local FILES = arguments.set "size mode sddl name inherit commit large_pages"

--- Makes a map over a file.
function map.file(path, access, options)
  local text, message, code = arguments.text(1, path)
  if not text then return nil, message, code, nil end
  local self, out = object.new(Map)
  local o = arguments.options(3, options, FILES)
  o.map.access = arguments.access(2, access, C.FM_READ)
  given[self] = options and options.name
  return object.finish(self, C.fm_file(out, text, o.map, e), text)
end

--- Makes a map over an inherited handle, which the map owns from then on.
function map.adopt(handle, size, access)
  handle = arguments.count(1, handle, "handle")
  size = arguments.count(2, size, "size")
  access = arguments.access(3, access, C.FM_RW)
  local self, out = object.new(Map)
  local subject = "handle " .. errors.integer(handle)
  local code = C.fm_adopt(out, handle, size, access, e)
  if code ~= 0 then return library.fail(subject) end
  return object.finish(self, code, "unnamed map")
end

return map
