---@meta filemap.mailslot

-- Definitions of filemap.mailslot for editors; see filemap.lua.

---Options of a new object.
---@class filemap.mailslot_options
---@field mode? string POSIX permissions in octal; default "0600"
---@field sddl? string Windows security descriptor
---@field capacity? integer bytes of messages that can wait; default 65536
---@field max_message? integer bytes; default: the capacity

---@class filemap.mailslot_info
---@field max_message integer bytes
---@field next_size? integer bytes of the next message
---@field count integer the number of messages that wait

---A mailslot: the reader or a writer.
---@class filemap.mailslot
local mailslot = {}

---Makes a mailslot for receiving, or takes over one whose reader closed or died, with its unread messages.
---@param name string
---@param options? filemap.mailslot_options
---@return filemap.mailslot? reader
---@return string? message
---@return filemap.code? code
---@return integer? native
function mailslot.create(name, options) end

---Opens an existing mailslot for sending.
---@param name string
---@return filemap.mailslot? writer
---@return string? message
---@return filemap.code? code
---@return integer? native
function mailslot.open(name) end

---Receives the next message, and waits until there is one.
---@param timeout? number seconds; nil waits forever
---@return string? message
---@return string? problem
---@return filemap.code? code
---@return integer? native
function mailslot:receive(timeout) end

---Sends a message, and waits until there is room for it.
---@param message string
---@param timeout? number seconds to wait for room; nil waits forever
---@return boolean? sent
---@return string? problem
---@return filemap.code? code
---@return integer? native
function mailslot:send(message, timeout) end

---Returns the slot's limit and what waits to be received.
---@return filemap.mailslot_info? info
---@return string? message
---@return filemap.code? code
---@return integer? native
function mailslot:info() end

---Returns a handle by which an event loop waits for messages: a descriptor, or on Windows a HANDLE.
---@return integer? handle
---@return string? message
---@return filemap.code? code
---@return integer? native
function mailslot:pollable() end

---Closes the mailslot.
---@return boolean
function mailslot:close() end

return mailslot
