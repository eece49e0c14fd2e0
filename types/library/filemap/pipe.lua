---@meta filemap.pipe

-- Definitions of filemap.pipe for editors; see filemap.lua.

---Options of a new object.
---@class filemap.pipe_options
---@field mode? string POSIX permissions in octal; default "0600"
---@field sddl? string Windows security descriptor
---@field capacity? integer bytes on their way in each direction, and of the longest message; default 65536
---@field stream? boolean bytes without message boundaries, to write and read; default false

---@class filemap.listener
local listener = {}

---A connection: one end of a pipe.
---@class filemap.conn
local conn = {}

local pipe = {}

---Makes a listener, to which clients connect.
---@param name string
---@param options? filemap.pipe_options
---@return filemap.listener? listener
---@return string? message
---@return filemap.code? code
---@return integer? native
function pipe.listen(name, options) end

---Connects to a listener.
---@param name string
---@param timeout? number seconds to wait for a listener; default 0
---@return filemap.conn? conn
---@return string? message
---@return filemap.code? code
---@return integer? native
function pipe.connect(name, timeout) end

---Accepts the connection that has waited longest, and waits until there is one.
---@param timeout? number seconds; nil waits forever
---@return filemap.conn? conn
---@return string? message
---@return filemap.code? code
---@return integer? native
function listener:accept(timeout) end

---Returns a handle by which an event loop waits for clients: a descriptor, or on Windows a HANDLE.
---@return integer? handle
---@return string? message
---@return filemap.code? code
---@return integer? native
function listener:pollable() end

---Closes the listener.
---@return boolean
function listener:close() end

---Sends a message, and waits until there is room for it.
---@param message string
---@param timeout? number seconds to wait for room; nil waits forever
---@return boolean? sent
---@return string? problem
---@return filemap.code? code
---@return integer? native
function conn:send(message, timeout) end

---Receives the next message, and waits until there is one.
---@param timeout? number seconds; nil waits forever
---@return string? message
---@return string? problem
---@return filemap.code? code
---@return integer? native
function conn:receive(timeout) end

---Writes strings and numbers to a stream, one after the other, and waits until all bytes are on their way.
---@param ... string|number
---@return filemap.conn? itself
---@return string? message
---@return filemap.code? code
---@return integer? native
function conn:write(...) end

---Reads from a stream, and waits until all that is wanted is there or the stream ends.
---@param format? integer|"l"|"L"|"a" default "l"
---@return string? bytes
---@return string? message
---@return filemap.code? code
---@return integer? native
function conn:read(format) end

---Returns a handle by which an event loop waits for messages or bytes: a descriptor, or on Windows a HANDLE.
---@return integer? handle
---@return string? message
---@return filemap.code? code
---@return integer? native
function conn:pollable() end

---Closes the connection.
---@return boolean
function conn:close() end

return pipe
