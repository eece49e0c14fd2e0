---@meta filemap.sync

-- Definitions of filemap.sync for editors; see filemap.lua.

---Options of a new object.
---@class filemap.sync_options
---@field mode? string POSIX permissions in octal; default "0600"
---@field sddl? string Windows security descriptor
---@field existing? boolean default false. True: only open

---Options of a new event.
---@class filemap.event_options: filemap.sync_options
---@field manual? boolean default false. True: `set` releases all waiting processes, until `reset`
---@field set? boolean whether it is set from the start; default false

---A lock that one thread at a time can hold.
---@class filemap.mutex
local mutex = {}

---A count that `acquire` decreases and `release` increases.
---@class filemap.semaphore
local semaphore = {}

---An event, which is set or not.
---@class filemap.event
local event = {}

---What `wait_any` waits for: a sync object, or the end of a channel that receives.
---@alias filemap.waitable
---| filemap.mutex | filemap.semaphore | filemap.event
---| filemap.listener | filemap.conn | filemap.mailslot | filemap.state

local sync = {}

---Makes or opens a mutex, which one thread at a time can hold.
---@param name string
---@param options? filemap.sync_options
---@return filemap.mutex? mutex
---@return boolean|string created or, on failure, the message
---@return filemap.code? code
---@return integer? native
function sync.mutex(name, options) end

---Makes or opens a semaphore, a count that `acquire` decreases and `release` increases.
---@param name string
---@param initial integer
---@param max integer
---@param options? filemap.sync_options
---@return filemap.semaphore? semaphore
---@return boolean|string created or, on failure, the message
---@return filemap.code? code
---@return integer? native
function sync.semaphore(name, initial, max, options) end

---Removes the verbatim name (`/…`) of a semaphore.
---@param name string
---@return boolean? done true
---@return string? message
---@return filemap.code? code
---@return integer? native
function sync.unlink(name) end

---Makes or opens an event, which is set or not.
---@param name string
---@param options? filemap.event_options
---@return filemap.event? event
---@return boolean|string created or, on failure, the message
---@return filemap.code? code
---@return integer? native
function sync.event(name, options) end

---Waits for the first of several objects that is ready. A sync object is acquired, and no other one is.
---@param objects filemap.waitable[]
---@param timeout? number seconds; nil waits forever, 0 looks once
---@return integer? index
---@return string? abandoned `abandoned`, if it is a mutex whose holder died; on failure, the message
---@return filemap.code? code
---@return integer? native
function sync.wait_any(objects, timeout) end

---Locks the mutex, and waits until it is free.
---@param timeout? number seconds; nil waits forever
---@return boolean? locked
---@return string? message or "abandoned"
---@return filemap.code? code
---@return integer? native
function mutex:lock(timeout) end

---Unlocks the mutex.
---@return boolean? unlocked
---@return string? message
---@return filemap.code? code
---@return integer? native
function mutex:unlock() end

---Closes the mutex, and unlocks it if this thread holds it.
---@return boolean
function mutex:close() end

---Decreases the count by 1, and waits until it is above 0.
---@param timeout? number seconds; nil waits forever
---@return boolean? acquired
---@return string? message
---@return filemap.code? code
---@return integer? native
function semaphore:acquire(timeout) end

---Increases the count.
---@param n? integer default 1
---@return boolean? released
---@return string? message
---@return filemap.code? code
---@return integer? native
function semaphore:release(n) end

---Closes the semaphore.
---@return boolean
function semaphore:close() end

---Sets the event.
---@return boolean? done
---@return string? message
---@return filemap.code? code
---@return integer? native
function event:set() end

---Resets the event.
---@return boolean? done
---@return string? message
---@return filemap.code? code
---@return integer? native
function event:reset() end

---Waits until the event is set.
---@param timeout? number seconds; nil waits forever
---@return boolean? set
---@return string? message
---@return filemap.code? code
---@return integer? native
function event:wait(timeout) end

---Returns a handle by which an event loop waits for the event: a descriptor, or on Windows a HANDLE.
---@return integer? handle
---@return string? message
---@return filemap.code? code
---@return integer? native
function event:pollable() end

---Closes the event.
---@return boolean
function event:close() end

return sync
