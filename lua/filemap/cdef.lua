--- C declarations as types: a vendor's header as it was pasted, or as a file.
--
--     local cdef = require "filemap.cdef"
--     local types, constants = cdef.parse([[
--       #define MAX_CARS 20
--       #pragma pack(push, 1)
--       typedef struct { float x, y, z; } Vec3;
--       struct Telemetry { uint32_t tick; Vec3 position[MAX_CARS]; wchar_t track[64]; };
--     ]], { abi = "win64" })
--     local t = types.Telemetry:at(view)
--     print(t.position[1].x, t.track)
--
-- The parser reads structs, unions, enums and typedefs, nested or not, named or not; arrays with constant
-- bounds; bit-fields; pointers; flexible arrays; `#pragma pack`, attributes, `alignas`,
-- `__declspec(align(n))`; `static_assert`, which it checks; the whole of C's preprocessor; the names of
-- `<stdint.h>`, `<stddef.h>`, `<time.h>`, `<limits.h>`, `<sys/types.h>`, `<linux/types.h>` and `<windows.h>`;
-- and of C++ enums with a type, namespaces, one base, `using`, constants, `std::array`, `std::atomic` and
-- member functions. It passes over functions and variables.
--
-- The predefined macros are those of the ABI's compiler: of gcc and g++, but `__cplusplus`, or of
-- Microsoft's. The names of `<windows.h>` have Windows' widths in every ABI.
--
-- A declaration that cannot be read, such as a class with virtual functions or a template, is skipped. It is
-- an error only where the program uses it: indexing `types` with its name raises the reason.
-- @module filemap.cdef

local access = require "filemap.struct.access"
local ctype = require "filemap.ctype"
local Parser = require "filemap.cdef.parser"
local Results = require "filemap.cdef.results"
local Sources = require "filemap.cdef.sources"
local struct_type = require "filemap.struct.type"

local cdef = {}

-- The bytes of a source that takes care of the collector.
local LARGE = 1 << 19

-- {-- Options --------------------------------------------------------------------------------------

-- Raises with the position of the program's call of cdef.parse, which is so many levels up.
local function raise(level, message, ...)
  error(message:format(...), level + 2)
end

local option_keys = { abi = true, defines = true, include = true, bytes = true, text = true }

local function check_defines(defines)
  if type(defines) ~= "table" then raise(3, "option 'defines' must be a table, got %s", type(defines)) end
  defines = access.plain(defines)
  for name, value in next, defines do
    if type(name) ~= "string" or not name:find("^[%a_][%w_]*$") then
      raise(3, "'%s' is not the name of a macro", tostring(name))
    end
    if type(value) ~= "string" and type(value) ~= "number" and type(value) ~= "boolean" then
      raise(3, "macro '%s' must be a string, a number or a boolean, got %s", name, type(value))
    end
    if type(value) == "string" and value:find("[\r\n]") then
      raise(3, "macro '%s' must not have a line break", name)
    end
  end
  return defines
end

local function check_include(include)
  if include == nil or type(include) == "function" then return include end
  if type(include) ~= "table" then
    raise(3, "option 'include' must be a list of folders or a function, got %s", type(include))
  end
  include = access.plain(include)
  for i, folder in ipairs(include) do
    if type(folder) ~= "string" then
      raise(3, "folder %d of 'include' must be a string, got %s", i, type(folder))
    end
  end
  return include
end

-- The names of the ABIs for a message.
local ABI_LIST = ('"%s"'):format(table.concat(ctype.abi_names, '", "')):gsub(", ([^,]*)$", " or %1")

local function check_options(name, options)
  if options == nil then options = {} end
  if type(options) ~= "table" then
    raise(2, "bad argument #2 to '%s' (table expected, got %s)", name, type(options))
  end
  options = access.plain(options)
  for key in next, options do
    if not option_keys[key] then raise(2, "unknown option '%s'", tostring(key)) end
  end
  local abi = options.abi == nil and ctype.native_abi or ctype.abi(options.abi)
  if not abi then
    raise(2, "option 'abi' must be %s, got %s", ABI_LIST, tostring(options.abi))
  end
  if not abi.name then
    raise(2, "option 'abi' must be %s: the compiler of this machine's processor is not known", ABI_LIST)
  end
  return abi, check_defines(options.defines == nil and {} or options.defines), check_include(options.include)
end

-- Applies the options `bytes` and `text` to the structs among the types, all of which it reads. Text comes
-- first, since `bytes = true` means all the other arrays.
local function make_strings(types, options)
  if not options or not (rawget(options, "text") or rawget(options, "bytes")) then return end
  local records = {}
  for _, type_ in pairs(types) do
    records[#records + 1] = type(type_) == "table" and (struct_type.ctype_of(type_) or type_.fields and type_)
      or nil
  end
  for _, name in ipairs { "text", "bytes" } do
    local paths = rawget(options, name)
    if paths then
      if paths ~= true and type(paths) ~= "table" then
        raise(2, "option '%s' must be true or a list of paths, got %s", name, type(paths))
      end
      local element = name == "text" and ctype.char(1) or ctype.bytes()
      local well, message = pcall(ctype.make_strings, records, element, paths)
      if not well then raise(2, "option '%s': %s", name, message) end
    end
  end
end

-- {-- Reading --------------------------------------------------------------------------------------

local function read(sources, abi, defines)
  local parser = Parser.new(sources, abi, defines)
  parser:read()
  local results = Results.new(parser, sources)
  return { results.types, results.constants, results.skipped }
end

-- Large sources are read with the collector at work sooner and faster than by default, so that garbage stays
-- a small part of the memory.
local PAUSE, STEP = 110, 400

-- Sets the collector's mode, pause and pace, and returns what they were. Lua 5.3 has one mode, and Lua 5.5
-- has other names for the pause and the pace.
local function set_collector(mode, pause, step)
  local had, before = pcall(collectgarbage, mode)
  local well, waits = pcall(collectgarbage, "setpause", pause)
  if well then return had and before, waits, collectgarbage("setstepmul", step) end
  return before, collectgarbage("param", "pause", pause), collectgarbage("param", "stepmul", step)
end

-- Parses what is in `sources`; raises with the position of the program's call.
local function parse(sources, abi, defines)
  local large, mode, pause, step = sources.bytes >= LARGE, nil, nil, nil
  if large then mode, pause, step = set_collector("incremental", PAUSE, STEP) end
  -- The new pace counts from the end of a collection on.
  if large then collectgarbage() end
  local well, result = pcall(read, sources, abi, defines)
  if large then set_collector(mode, pause, step) end
  if well then return result end
  if type(result) ~= "table" then error(result, 0) end
  if result.is_program then error(result.value, 0) end
  error("cdef: " .. sources:describe(result), 3)
end

-- {-- Functions ------------------------------------------------------------------------------------

--- Reads C declarations.
-- @function parse
-- @tparam string source C, in UTF-8
-- @tparam[opt] table options `abi`: `"linux64"`, `"linux32"` (of x86), `"win64"`, `"win32"`, or Linux's
-- `"arm64"`, `"arm32"`, `"riscv64"`, `"ppc64le"` or `"s390x"`, whose `char`, `long`, `wchar_t`, pointers,
-- alignments, bit-fields and byte order count (default: this machine's); `defines`: macros by name, each a
-- number, a string (the text), `true` (1), or `false` (not defined, though the ABI's compiler defines it);
-- `include`: a list of folders in which `#include` looks for files, or a function that gets the name and
-- returns the text, or nil for one that is not there; `bytes`: true, or a list of paths as for
-- @{struct:offsetof}: arrays of `uint8_t` that become strings of bytes; `text`: the same for text up to NUL
-- @treturn table types by name: tags and typedefs, those of C++ also as `"Space::Name"`, and only so where
-- several namespaces have the name. Structs and unions are @{filemap.struct}'s, with `at`, `read`, `write`,
-- `array`, `snapshot` and `offsetof`; all are types for fields of @{filemap.struct.define}. The name of a
-- declaration that was skipped raises, as does that of a type that contains it
-- @treturn table constants by name: macros that are numbers or strings, enumerators (of an `enum class` as
-- `"Enum::Name"`), `static const` and `constexpr`
-- @treturn table skipped: a list of `{ name =, line =, column =, message = }`, one for each declaration that
-- was skipped; `file` too if an included file has it. `name` is nil for a declaration without a name
-- @raise for a source in which the preprocessor finds an error, brackets do not match or a `static_assert`
-- does not hold: `cdef: line 3, column 5: expected #endif before the end`. An included file is named before
-- the line
-- @usage
-- local types, constants = cdef.parse [[
--   #define CARS 20
--   typedef struct { int lap; float speed; } car_t;
-- ]]
-- print(types.car_t.size, constants.CARS) --> 8 20
-- print(#types.car_t:array(view, 0, constants.CARS)) --> 20
function cdef.parse(source, options)
  if type(source) ~= "string" then
    raise(1, "bad argument #1 to 'parse' (string expected, got %s)", type(source))
  end
  local abi, defines, include = check_options("parse", options)
  local sources = Sources.new(include)
  sources:open(source)
  local results = parse(sources, abi, defines)
  make_strings(results[1], options)
  return results[1], results[2], results[3]
end

local codes = { [2] = "not_found", [13] = "denied", [20] = "not_found", [21] = "invalid" }

-- A file's text; nil and the error if it cannot be read.
local function read_file(path)
  local before = path:match("^(.-)\0")
  if before then return nil, before .. ": a path must not contain a NUL byte", "invalid" end
  local file, message, errno = io.open(path, "rb")
  if file then
    local text
    text, message, errno = file:read("a")
    file:close()
    if text then return text end
    message = path .. ": " .. message:gsub("^.*: ", "")
  end
  return nil, message, codes[errno] or "system", errno
end

--- Reads C declarations from a file. `#include "name"` is looked for beside the file that includes it, then
-- in the folders of `options.include`; `#include <name>` in the folders.
-- @function load
-- @tparam string path of the file
-- @tparam[opt] table options as @{parse}'s
-- @treturn[1] table types
-- @treturn[1] table constants
-- @treturn[1] table skipped: as @{parse}'s results
-- @treturn[2] nil
-- @treturn[2] string message
-- @treturn[2] string code: `not_found`, `denied`, `invalid` (a folder, or a NUL byte in the path), `system`
-- @treturn[2] ?integer errno
-- @raise as @{parse}; the message names the file
-- @usage
-- local types, message, code = cdef.load("no/such/file.h", { abi = "win64" })
-- print(types, code) --> nil not_found
function cdef.load(path, options)
  if type(path) ~= "string" then
    raise(1, "bad argument #1 to 'load' (string expected, got %s)", type(path))
  end
  local abi, defines, include = check_options("load", options)
  local text, message, code, errno = read_file(path)
  if not text then return nil, message, code, errno end
  local sources = Sources.new(include)
  sources:open(text, path, path)
  local results = parse(sources, abi, defines)
  make_strings(results[1], options)
  return results[1], results[2], results[3]
end

return cdef
