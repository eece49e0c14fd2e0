-- Channels that a finalizer closes amid a call on them: a number to be sent becomes a string, which is work for the
-- collector.
local check = require "spec.support.check"
local mailslot = require "filemap.mailslot"
local pipe = require "filemap.pipe"
local state = require "filemap.state"
local support = require "spec.support"

support.clean()

describe("a finalizer that closes", function()
  before_each(function() collectgarbage("incremental", 1, 1000, 8) end)
  after_each(function() collectgarbage("incremental", 200, 100, 13) end)

  -- Calls `method` of what `make` makes with numbers, each time a new string, until the finalizer is run amid a call.
  -- `drain` takes away what was sent.
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
        assert.is_false(ok, "it went on, closed")
        return check.contains("is closed", message)
      end
    end
    error("no finalizer was run amid a call")
  end

  it("a connection ends what is sent", function()
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

  it("a writer of a mailslot ends what is sent", function()
    local name = support.unique("Local\\")
    local slot <close> = assert(mailslot.create(name, { capacity = 1000 }))
    closed_amid(function() return assert(mailslot.open(name)) end, "send", function() slot:receive(0) end)
  end)

  it("a state ends what is published", function()
    local name = support.unique("Local\\")
    closed_amid(function() return (assert(state.create_or_open(name, 100))) end, "publish")
  end)
end)
