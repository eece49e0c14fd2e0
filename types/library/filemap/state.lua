---@meta filemap.state

-- Definitions of filemap.state for editors; see filemap.lua.

---Options of a new object.
---@class filemap.state_options
---@field mode? string POSIX permissions in octal; default "0600"
---@field sddl? string Windows security descriptor

---A state: a writer or a reader.
---@class filemap.state
local state = {}

---Makes a new state.
---@param name string
---@param capacity integer the longest value, in bytes
---@param options? filemap.state_options
---@return filemap.state? writer
---@return string? message
---@return filemap.code? code
---@return integer? native
function state.create(name, capacity, options) end

---Makes a state, or takes over one whose writer closed or died.
---@param name string
---@param capacity integer
---@param options? filemap.state_options
---@return filemap.state? writer
---@return boolean|string created or, on failure, the message
---@return filemap.code? code
---@return integer? native
function state.create_or_open(name, capacity, options) end

---Opens an existing state for reading.
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

---Reads the newest value.
---@param timeout? number seconds to try again while the writer is faster; default 1
---@return string? value
---@return integer|string version from 1; 0 before the first value; or, on failure, the message
---@return filemap.code? code
---@return integer? native
function state:read(timeout) end

---Waits for a value that is newer than a version, and continues to wait when the writer dies and another
---takes over.
---@param version integer
---@param timeout? number seconds; nil waits forever
---@return string? value
---@return integer|string version or, on failure, the message
---@return filemap.code? code
---@return integer? native
function state:wait(version, timeout) end

---Returns a handle by which an event loop waits for newer values: a descriptor, or on Windows a HANDLE.
---@return integer? handle
---@return string? message
---@return filemap.code? code
---@return integer? native
function state:pollable() end

---Closes the state.
---@return boolean
function state:close() end

return state
