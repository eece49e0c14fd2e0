--- Mutexes, semaphores and events, by name, between processes.
local arguments = require "filemap.ffi.arguments"
local errors = require "filemap.ffi.errors"
local ffi = require "ffi"
local library = require "filemap.ffi.library"
local object = require "filemap.ffi.object"

local C, e = library.C, library.e
local flag = ffi.new "bool[1]"

local function describe(self) return object.names[self] end

local mutex, semaphore, event = {}, {}, {}
local Mutex = object.type("filemap.mutex", "fm_sync", mutex, C.fm_sync_close, describe)
local Semaphore = object.type("filemap.semaphore", "fm_sync", semaphore, C.fm_sync_close, describe)
local Event = object.type("filemap.event", "fm_sync", event, C.fm_sync_close, describe)

-- {-- Making --------------------------------------------------------------------------------------

local COMMON, OF_EVENTS = arguments.set "existing mode sddl", arguments.set "existing mode sddl manual set"

-- Opens an object. Returns it and whether it was created.
local function open(type, kind, name, number, options, allowed, max, initial)
  local text, message, code = arguments.text(1, name)
  if not text then return nil, message, code, nil end
  local self, out = object.new(type)
  local given, o = arguments.options(number, options, allowed), library.options "fm_sync_options"
  o.mode, o.sddl = given.map.mode, given.map.sddl
  o.existing, o.manual, o.set = given.existing, given.manual, given.set
  o.max, o.initial = max or 1, initial or 0
  local result = C.fm_sync_open(out, flag, kind, text, o, e)
  local created = flag[0]
  if result ~= 0 then return library.fail(text) end
  return object.finish(self, result, text), created
end

local sync = {}

--- Makes or opens a mutex.
function sync.mutex(name, options)
  return open(Mutex, C.FM_MUTEX, name, 2, options, COMMON)
end

--- Makes or opens a semaphore.
function sync.semaphore(name, initial, max, options)
  name = arguments.string(1, name)
  max = arguments.within(3, max, "max", 1, C.FM_COUNT_MAX)
  initial = arguments.within(2, initial, "initial count", 0, max)
  return open(Semaphore, C.FM_SEMAPHORE, name, 4, options, COMMON, max, initial)
end

--- Makes or opens an event.
function sync.event(name, options)
  return open(Event, C.FM_EVENT, name, 2, options, OF_EVENTS)
end

--- Removes the verbatim name of a semaphore.
function sync.unlink(name)
  local text, message, code = arguments.text(1, name)
  if not text then return nil, message, code, nil end
  return library.finish(C.fm_sync_unlink(text, e), text)
end

-- {-- Methods -------------------------------------------------------------------------------------

local function wait_for(self, type, timeout)
  object.handle(self, type)
  timeout = arguments.timeout(2, timeout)
  local code = C.fm_sync_wait(object.handle(self, type), timeout, flag, e)
  if code ~= 0 then return library.fail(object.names[self]) end
  if flag[0] then return true, "abandoned" end
  return true
end

--- Locks the mutex, and waits until it is free.
function mutex.lock(self, timeout) return wait_for(self, Mutex, timeout) end

--- Unlocks the mutex.
function mutex.unlock(self)
  local code = C.fm_sync_post(object.handle(self, Mutex), 1, e)
  if code ~= C.FM_INVALID then return library.finish(code, object.names[self]) end
  errors.raise("filemap.mutex (%s): %s", object.names[self], library.detail())
end

--- Decreases the count by 1, and waits until it is above 0.
function semaphore.acquire(self, timeout) return wait_for(self, Semaphore, timeout) end

--- Increases the count by n.
function semaphore.release(self, n)
  object.handle(self, Semaphore)
  n = n == nil and 1 or arguments.within(2, n, "count", 1, C.FM_COUNT_MAX)
  return library.finish(C.fm_sync_post(object.handle(self, Semaphore), n, e), object.names[self])
end

--- Sets the event.
function event.set(self)
  return library.finish(C.fm_sync_post(object.handle(self, Event), 1, e), object.names[self])
end

--- Resets the event.
function event.reset(self)
  return library.finish(C.fm_sync_reset(object.handle(self, Event), e), object.names[self])
end

--- Waits until the event is set.
function event.wait(self, timeout) return wait_for(self, Event, timeout) end

--- Returns a handle for event loops.
function event.pollable(self) return object.pollable(self, Event, C.FM_WAIT_SYNC) end

-- {-- Several objects -----------------------------------------------------------------------------

-- The kind of an object that can be waited for, or nil.
local function kind_of(value)
  if type(value) ~= "cdata" then return nil end
  local name = errors.type_of(value)
  if name == Mutex.name or name == Semaphore.name or name == Event.name then return C.FM_WAIT_SYNC end
  if name == "filemap.listener" then return C.FM_WAIT_LISTENER end
  if name == "filemap.conn" then return C.FM_WAIT_CONN end
  if name == "filemap.mailslot" then return C.FM_WAIT_MAILSLOT end
  return name == "filemap.state" and C.FM_WAIT_STATE or nil
end

local function raise_if_closed(value, i)
  if not value.open then
    errors.argument(1, "%s at index %d is closed", errors.type_of(value), i)
  end
end

-- The failure of wait_any: its message begins with the name of the object that it failed for, if it was one.
-- A finalizer may have closed that object meanwhile.
local function fail_wait(values, index)
  local _, message, word, native = library.fail "wait_any"
  local i = tonumber(index[0]) + 1
  local name = word ~= "timeout" and object.names[values[i]]
  if name then message = ("%s: object %d of %s"):format(name, i, message) end
  return nil, message, word, native
end

--- Waits for the first of several objects that is ready.
function sync.wait_any(objects, timeout)
  if type(objects) ~= "table" then errors.type(1, "table", objects) end
  timeout = arguments.timeout(2, timeout)
  local count = #objects
  if count < 1 or count > C.FM_WAIT_MOST then
    errors.argument(1, "the number of objects must be between 1 and %d, got %d", C.FM_WAIT_MOST, count)
  end
  -- A finalizer may change the program's table.
  local list, index, values = ffi.new("fm_waitable[?]", count), ffi.new "size_t[1]", {}
  for i = 1, count do
    local value = objects[i]
    local kind = kind_of(value)
    if not kind then
      errors.argument(1, "sync object or end of a channel expected at index %d, got %s", i,
        errors.type_of(value))
    end
    list[i - 1].kind = kind
    list[i - 1].object = value.pointer
    values[i] = value
  end
  -- A finalizer that ran meanwhile may have closed one.
  for i = 1, count do raise_if_closed(values[i], i) end
  local code = C.fm_wait_any(list, count, timeout, index, flag, e)
  if code ~= 0 then return fail_wait(values, index) end
  local is_abandoned, first = flag[0], tonumber(index[0]) + 1
  if is_abandoned then return first, "abandoned" end
  return first
end

return sync
