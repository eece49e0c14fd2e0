---@meta filemap.state

-- What editors are told of filemap.state; see types/filemap.lua.

---Of what is made.
---@class filemap.state_options
---@field mode? string POSIX permissions in octal; default "0600"
---@field sddl? string Windows security descriptor

---The newest value, to write or to read.
---@class filemap.state
local state = {}

---Makes a new state, to write.
---@param name string
---@param capacity integer the longest value, in bytes
---@param options? filemap.state_options
---@return filemap.state? writer
---@return string? message
---@return filemap.code? code
---@return integer? native
function state.create(name, capacity, options) end

---Makes a state, or takes over one whose writer has gone.
---@param name string
---@param capacity integer
---@param options? filemap.state_options
---@return filemap.state? writer
---@return boolean|string created or the message
---@return filemap.code? code
---@return integer? native
function state.create_or_open(name, capacity, options) end

---Opens a state to read.
---@param name string
---@return filemap.state? reader
---@return string? message
---@return filemap.code? code
---@return integer? native
function state.open(name) end

---Makes a string the newest value.
---@param value string
---@return boolean? published
---@return string? message
---@return filemap.code? code
---@return integer? native
function state:publish(value) end

---The newest value.
---@param timeout? number seconds to try again while the writer is faster; default 1
---@return string? value
---@return integer|string version from 1; 0 before the first; or the message
---@return filemap.code? code
---@return integer? native
function state:read(timeout) end

---Waits for a newer value.
---@param version integer
---@param timeout? number seconds; nil waits for ever
---@return string? value
---@return integer|string version or the message
---@return filemap.code? code
---@return integer? native
function state:wait(version, timeout) end

---Closes it.
---@return boolean
function state:close() end

return state
