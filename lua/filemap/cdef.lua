--- C declarations as types: a vendor's header as it was pasted.
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
-- What is read: structs, unions, enums and typedefs, nested, named or not; arrays with constant bounds; bit-fields;
-- pointers; flexible arrays; `#pragma pack`, `__attribute__((packed, aligned(n)))`, `alignas`, `__declspec(align(n))`;
-- `static_assert`, which is checked; `#define`, `#undef` and `#if` with all of C's operators; the names of
-- `<stdint.h>`, `<stddef.h>`, `<time.h>`, `<limits.h>` and `<windows.h>`; and of C++ enums with a type, namespaces,
-- one base, `using`, constants, and member functions, which are passed over, as are prototypes, variables, `#include`
-- and other pragmas. What is not read, such as virtual functions, templates, macros with `#` or `##` and `long double`,
-- is an error where it stands.
--
-- The macros `_WIN32`, `_WIN64` and `_MSC_VER`, or `__linux__` and `__GNUC__`, are there as the ABI has them, besides
-- those of the processor; `__cplusplus` is not. The names of `<windows.h>` have Windows' widths in every ABI.
-- @module filemap.cdef

local access = require "filemap.struct.access"
local ctype = require "filemap.ctype"
local lexer = require "filemap.cdef.lexer"
local Parser = require "filemap.cdef.parser"
local struct_type = require "filemap.struct.type"

local cdef = {}

-- Raises with the position of who called cdef.parse, which is so many levels up.
local function raise(level, message, ...)
  error(message:format(...), level + 2)
end

local option_keys = { abi = true, defines = true, bytes = true, text = true }

local function check_options(options)
  if options == nil then return ctype.native_abi, {} end
  if type(options) ~= "table" then raise(2, "bad argument #2 to 'parse' (table expected, got %s)", type(options)) end
  options = access.plain(options)
  for key in next, options do
    if not option_keys[key] then raise(2, "unknown option '%s'", tostring(key)) end
  end
  local abi = options.abi == nil and ctype.native_abi or ctype.abi(options.abi)
  if not abi then
    raise(2, "option 'abi' is \"linux64\", \"linux32\", \"win64\" or \"win32\", not %s", tostring(options.abi))
  end
  local defines = options.defines or {}
  if type(defines) ~= "table" then raise(2, "option 'defines' is a table, not %s", type(defines)) end
  defines = access.plain(defines)
  for name, value in next, defines do
    if type(name) ~= "string" or not name:find("^[%a_][%w_]*$") then
      raise(2, "'%s' is no macro's name", tostring(name))
    end
    if type(value) ~= "string" and type(value) ~= "number" and type(value) ~= "boolean" then
      raise(2, "macro '%s' is a string, a number or a boolean, not %s", name, type(value))
    end
  end
  return abi, defines
end

-- Applies the options `bytes` and `text` to the structs among the types. Text comes first, since `bytes = true` means
-- all the other arrays.
local function make_strings(types, options)
  local records = {}
  for _, type_ in next, types do
    records[#records + 1] = type(type_) == "table" and (struct_type.ctype_of(type_) or type_.fields and type_) or nil
  end
  for _, name in ipairs { "text", "bytes" } do
    local paths = options and rawget(options, name)
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

-- What a user gets of an entity: a struct's type object, or a C type as fields take it.
local function type_object(entity)
  local type_ = entity.type
  if entity.tag == nil and type_ and type_.tag then type_ = type_.type end
  if not type_ or not type_.size then return nil end
  return type_.fields and struct_type.of(type_) or type_
end

-- What a source declares, by name. Names in namespaces are longer than what the source spends on each.
local function read(source, abi, defines)
  local file, constants = Parser.parse(source, abi, defines)
  local types, room = {}, 1000000 + 16 * #source
  file:each(function(name, entity)
    room = room - #name
    if room < 0 then lexer.fail(1, "the names in namespaces are too long together") end
    if entity.value ~= nil then
      if constants[name] == nil then constants[name] = entity.value end
    elseif types[name] == nil then
      types[name] = type_object(entity)
    end
  end)
  return types, constants
end

--- Reads C declarations.
-- @tparam string source C, in UTF-8
-- @tparam[opt] table options `abi`: `"linux64"`, `"linux32"`, `"win64"` or `"win32"`, whose `long`, `wchar_t`, pointers
-- and bit-fields count (default: this machine's); `defines`: macros by name, each a number, a string (the text),
-- `true` (1), or `false` (not there, though the ABI has it); `bytes`: true, or a list of paths as for
-- @{struct:offsetof}: arrays of `uint8_t` that become strings of bytes; `text`: the same for text up to NUL
-- @treturn table types by name: tags and typedefs, those of C++ also as `"Space::Name"`. Structs and unions are
-- @{filemap.struct}'s, with `at`, `read`, `write`, `array`, `snapshot` and `offsetof`; all are types for fields of
-- @{filemap.struct.define}
-- @treturn table constants by name: macros that are numbers or strings, enumerators (of an `enum class` as
-- `"Enum::Name"`), `static const` and `constexpr`
-- @raise for what is no C, or not read here: `cdef: line 3, column 5: expected ';', got 'int'`
function cdef.parse(source, options)
  if type(source) ~= "string" then
    raise(1, "bad argument #1 to 'parse' (string expected, got %s)", type(source))
  end
  local abi, defines = check_options(options)
  local well, types, constants = pcall(read, source, abi, defines)
  if well then
    make_strings(types, options)
    return types, constants
  end
  local problem = types
  if type(problem) ~= "table" then error(problem, 0) end
  local line, column = lexer.position(source, problem.at)
  return error(("cdef: line %d, column %d: %s"):format(line, column, problem.message), 2)
end

return cdef
