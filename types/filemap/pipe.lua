---@meta filemap.pipe

-- What editors are told of filemap.pipe; see types/filemap.lua.

---Of what is made.
---@class filemap.pipe_options
---@field mode? string POSIX permissions in octal; default "0600"
---@field sddl? string Windows security descriptor
---@field capacity? integer bytes under way each way, and of the longest message; default 65536
---@field stream? boolean bytes without bounds, to be written and read

---@class filemap.listener
local listener = {}

---One end of a connection.
---@class filemap.conn
local conn = {}

local pipe = {}

---Listens for connections.
---@param name string
---@param options? filemap.pipe_options
---@return filemap.listener? listener
---@return string? message
---@return filemap.code? code
---@return integer? native
function pipe.listen(name, options) end

---Connects to a listener.
---@param name string
---@param timeout? number seconds to wait for one; default 0
---@return filemap.conn? conn
---@return string? message
---@return filemap.code? code
---@return integer? native
function pipe.connect(name, timeout) end

---Accepts the connection that came first.
---@param timeout? number seconds; nil waits for ever
---@return filemap.conn? conn
---@return string? message
---@return filemap.code? code
---@return integer? native
function listener:accept(timeout) end

---Closes it; connections go on.
---@return boolean
function listener:close() end

---Sends a message.
---@param message string
---@param timeout? number seconds to wait for room; nil waits for ever
---@return boolean? sent
---@return string? problem
---@return filemap.code? code
---@return integer? native
function conn:send(message, timeout) end

---Receives the next message.
---@param timeout? number seconds; nil waits for ever
---@return string? message
---@return string? problem
---@return filemap.code? code
---@return integer? native
function conn:receive(timeout) end

---Writes strings and numbers to a stream, one behind the other.
---@param ... string|number
---@return filemap.conn? itself
---@return string? message
---@return filemap.code? code
---@return integer? native
function conn:write(...) end

---Reads from a stream.
---@param format? integer|"l"|"L"|"a" default "l"
---@return string? bytes
---@return string? message
---@return filemap.code? code
---@return integer? native
function conn:read(format) end

---Closes it; what was sent is still received.
---@return boolean
function conn:close() end

return pipe
