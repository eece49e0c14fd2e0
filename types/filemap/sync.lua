---@meta filemap.sync

-- What editors are told of filemap.sync; see types/filemap.lua.

---Of what is made.
---@class filemap.sync_options
---@field mode? string POSIX permissions in octal; default "0600"
---@field sddl? string Windows security descriptor
---@field existing? boolean only open

---Of an event that is made.
---@class filemap.event_options: filemap.sync_options
---@field manual? boolean all go on until it is reset
---@field set? boolean from the start

---One thread at a time has it.
---@class filemap.mutex
local mutex = {}

---A count that who acquires takes one from.
---@class filemap.semaphore
local semaphore = {}

---Set or not.
---@class filemap.event
local event = {}

local sync = {}

---Makes or opens a mutex.
---@param name string
---@param options? filemap.sync_options
---@return filemap.mutex? mutex
---@return boolean|string created or the message
---@return filemap.code? code
---@return integer? native
function sync.mutex(name, options) end

---Makes or opens a semaphore.
---@param name string
---@param initial integer
---@param max integer
---@param options? filemap.sync_options
---@return filemap.semaphore? semaphore
---@return boolean|string created or the message
---@return filemap.code? code
---@return integer? native
function sync.semaphore(name, initial, max, options) end

---Makes or opens an event.
---@param name string
---@param options? filemap.event_options
---@return filemap.event? event
---@return boolean|string created or the message
---@return filemap.code? code
---@return integer? native
function sync.event(name, options) end

---Locks it, waiting until it is free.
---@param timeout? number seconds; nil waits for ever
---@return boolean? locked
---@return string? message or "abandoned"
---@return filemap.code? code
---@return integer? native
function mutex:lock(timeout) end

---Unlocks it, as often as it was locked.
---@return boolean
function mutex:unlock() end

---Closes it; one that it holds is unlocked.
---@return boolean
function mutex:close() end

---Takes one from the count, waiting until there is one.
---@param timeout? number seconds; nil waits for ever
---@return boolean? acquired
---@return string? message
---@return filemap.code? code
---@return integer? native
function semaphore:acquire(timeout) end

---Adds to the count.
---@param n? integer default 1
---@return boolean? released
---@return string? message
---@return filemap.code? code
---@return integer? native
function semaphore:release(n) end

---Closes it.
---@return boolean
function semaphore:close() end

---Lets who waits go on.
---@return boolean? done
---@return string? message
---@return filemap.code? code
---@return integer? native
function event:set() end

---Lets who waits from now on wait.
---@return boolean? done
---@return string? message
---@return filemap.code? code
---@return integer? native
function event:reset() end

---Waits until it is set.
---@param timeout? number seconds; nil waits for ever
---@return boolean? set
---@return string? message
---@return filemap.code? code
---@return integer? native
function event:wait(timeout) end

---Closes it.
---@return boolean
function event:close() end

return sync
