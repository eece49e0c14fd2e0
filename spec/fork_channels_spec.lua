-- Sync objects and channels in a process that forks (spec/counterpart/fork_channels.c). The parent keeps its
-- locks and its ends of the channels, and they end with the parent.
local check = require "spec.support.check"
local mailslot = require "filemap.mailslot"
local pipe = require "filemap.pipe"
local process = require "process"
local state = require "filemap.state"
local support = require "spec.support"
local sync = require "filemap.sync"

local folder = package.searchpath("process", package.cpath):match("^(.*[/\\])")

support.clean()

support.only("posix", "Windows has no fork", function()
  describe("a process that forks", function()
    it("keeps its locks and channel ends, whatever its child calls or closes", function()
      local name = support.unique("Local\\")
      local program <close> = process.spawn { folder .. "fork_channels", name }
      for _, line in ipairs { "lock: timeout", "lock: timeout", "unlock: invalid", "publish: denied",
        "mailslot receive: denied", "mailslot send: ok", "accept: denied", "send: denied", "receive: denied",
        "closed" } do
        assert.equal(line, program:read(support.deadline))
      end
      program:expect("^READY$")
      local mutex <close> = sync.mutex(name .. "-mutex")
      check.fails("timeout", name .. "-mutex", mutex:lock(0.1))
      check.fails("in_use", name .. "-state", state.create_or_open(name .. "-state", 100))
      check.fails("exists", name .. "-slot", mailslot.create(name .. "-slot"))
      check.fails("exists", name .. "-pipe", pipe.listen(name .. "-pipe"))
      program:close_input()
      for _, line in ipairs { "lock: ok", "lock: ok", "unlock: ok", "publish: ok", "mailslot receive: ok",
        "mailslot send: ok", "accept: timeout", "send: ok", "receive: ok", "closed" } do
        assert.equal(line, program:read(support.deadline))
      end
      assert.equal(0, program:wait(support.deadline))
    end)

    it("is detected as dead while its child lives", function()
      local name = support.unique("Local\\")
      local program <close> = process.spawn { folder .. "fork_channels", name, "orphan" }
      program:expect("^READY$")
      local mutex <close> = sync.mutex(name .. "-mutex")
      assert.same({ true, "abandoned" }, { mutex:lock(support.deadline) })
      mutex:unlock()
      local writer <close> = assert(state.create_or_open(name .. "-state", 100))
      local slot <close> = assert(mailslot.create(name .. "-slot"))
      local listener <close> = assert(pipe.listen(name .. "-pipe", { capacity = 100 }))
      local conn <close> = assert(pipe.connect(name .. "-pipe"))
      assert(writer and slot and listener and conn)
      program:close_input()
      program:expect("^closed$")
    end)
  end)
end)
