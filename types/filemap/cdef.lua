---@meta filemap.cdef

-- What editors are told of filemap.cdef; see types/filemap.lua.

---How a source is read.
---@class filemap.cdef_options
---@field abi? "linux64"|"linux32"|"win64"|"win32" default: this machine's
---@field defines? table<string, string|number|boolean> macros by name; false: not there
---@field bytes? boolean|string[] arrays of uint8_t that become strings: all, or those of these paths
---@field text? boolean|string[] the same for text up to NUL

---C declarations as types.
---@class filemap.cdef_module
local cdef = {}

---Reads C declarations.
---@param source string
---@param options? filemap.cdef_options
---@return table<string, filemap.struct> types by name
---@return table<string, number|string> constants by name
function cdef.parse(source, options) end

return cdef
