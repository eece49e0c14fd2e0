-- Channels that a finalizer closes in the middle of a call on them. Each call converts a number to a string,
-- and this allocation lets the collector run the finalizer.
local check = require "spec.support.check"
local mailslot = require "filemap.mailslot"
local pipe = require "filemap.pipe"
local state = require "filemap.state"
local support = require "spec.support"

support.clean()

describe("a finalizer that runs during a call", function()
  before_each(function() collectgarbage("incremental", 1, 1000, 8) end)
  after_each(function() collectgarbage("incremental", 200, 100, 13) end)

  -- Makes an object and calls `method` on it with numbers, each of which becomes a new string, until the
  -- finalizer runs during a call. `drain` receives the messages, so that the channel does not fill up.
  local function closed_amid(make, method, drain)
    local number = 0.5
    for _ = 1, 20 do
      local victim <close> = make()
      local call, calling, amid, closed = victim[method], false, false, false
      local ok, message
      setmetatable({}, { __gc = function()
        amid, closed = calling, true
        victim:close()
      end })
      for _ = 1, 100000 do
        calling, number = true, number + 1
        ok, message = pcall(call, victim, number)
        calling = false
        if closed then break end
        if drain then drain() end
      end
      if amid then
        assert.is_false(ok, "the call succeeded on a closed object")
        return check.contains("is closed", message)
      end
    end
    error("no finalizer ran during a call")
  end

  it("closes a connection, and send raises", function()
    local name = support.unique("Local\\")
    local listener <close> = assert(pipe.listen(name))
    local server
    closed_amid(function()
      local client = assert(pipe.connect(name))
      if server then server:close() end
      server = listener:accept(0)
      return client
    end, "send", function() server:receive(0) end)
    server:close()
  end)

  it("closes a mailslot writer, and send raises", function()
    local name = support.unique("Local\\")
    local slot <close> = assert(mailslot.create(name, { capacity = 1000 }))
    closed_amid(function() return assert(mailslot.open(name)) end, "send", function() slot:receive(0) end)
  end)

  it("closes a state, and publish raises", function()
    local name = support.unique("Local\\")
    closed_amid(function() return (assert(state.create_or_open(name, 100))) end, "publish")
  end)
end)
