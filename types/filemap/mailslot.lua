---@meta filemap.mailslot

-- What editors are told of filemap.mailslot; see types/filemap.lua.

---Of what is made.
---@class filemap.mailslot_options
---@field mode? string POSIX permissions in octal; default "0600"
---@field sddl? string Windows security descriptor
---@field capacity? integer bytes of messages that can wait; default 65536
---@field max_message? integer bytes; default the capacity

---@class filemap.mailslot_info
---@field max_message integer bytes
---@field next_size? integer bytes of the next message
---@field count integer of messages that wait

---Messages of many writers to one reader.
---@class filemap.mailslot
local mailslot = {}

---Makes a mailslot to receive from, or takes over one whose reader has gone.
---@param name string
---@param options? filemap.mailslot_options
---@return filemap.mailslot? reader
---@return string? message
---@return filemap.code? code
---@return integer? native
function mailslot.create(name, options) end

---Opens a mailslot to send to.
---@param name string
---@return filemap.mailslot? writer
---@return string? message
---@return filemap.code? code
---@return integer? native
function mailslot.open(name) end

---Receives the next message.
---@param timeout? number seconds; nil waits for ever
---@return string? message
---@return string? problem
---@return filemap.code? code
---@return integer? native
function mailslot:receive(timeout) end

---Sends a message.
---@param message string
---@param timeout? number seconds to wait for room; nil waits for ever
---@return boolean? sent
---@return string? problem
---@return filemap.code? code
---@return integer? native
function mailslot:send(message, timeout) end

---What waits to be received.
---@return filemap.mailslot_info? info
---@return string? message
---@return filemap.code? code
---@return integer? native
function mailslot:info() end

---Closes it.
---@return boolean
function mailslot:close() end

return mailslot
