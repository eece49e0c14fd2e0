---@meta filemap.cdef

-- Definitions of filemap.cdef for editors; see filemap.lua.

---The system and processor of the program that writes the memory.
---@alias filemap.cdef_abi "linux64"|"linux32"|"win64"|"win32"|"arm64"|"arm32"|"riscv64"|"ppc64le"|"s390x"

---How a source is read.
---@class filemap.cdef_options
---@field abi? filemap.cdef_abi default: this machine's
---@field defines? table<string, string|number|boolean> macros by name; false: not defined
---@field bytes? boolean|string[] arrays of uint8_t that become strings: all, or those of these paths
---@field text? boolean|string[] the same for text up to NUL
---@field include? string[]|fun(name: string): string? folders of `#include`, or a function that reads one

---A declaration that was skipped.
---@class filemap.cdef_skipped
---@field name? string what it would have declared
---@field file? string the included file that has it
---@field line integer
---@field column integer
---@field message string

---C declarations as types.
---@class filemap.cdef_module
local cdef = {}

---Reads C declarations.
---@param source string
---@param options? filemap.cdef_options
---@return table<string, filemap.struct> types by name; the name of a skipped declaration raises
---@return table<string, number|string> constants by name
---@return filemap.cdef_skipped[] skipped
function cdef.parse(source, options) end

---Reads C declarations from a file, with what it includes.
---@param path string
---@param options? filemap.cdef_options
---@return table<string, filemap.struct>? types by name; nil if the file cannot be read
---@return table<string, number|string>|string constants by name, or the message
---@return filemap.cdef_skipped[]|filemap.code skipped, or the code
---@return integer? native the errno
function cdef.load(path, options) end

return cdef
