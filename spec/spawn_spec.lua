-- A process that closes names, channels and sync objects while another of its threads starts programs with
-- system(3) (spec/counterpart/spawns.c). FILEMAP_SPAWNS is the number of tries for each kind of object.
local process = require "process"
local support = require "spec.support"

local folder = package.searchpath("process", package.cpath):match("^(.*[/\\])")
local TRIES <const> = tonumber(os.getenv("FILEMAP_SPAWNS")) or 3000

support.clean()

support.only("posix", "a program that Windows starts inherits no handle by accident", function()
  describe("while another thread starts programs", function()
    for object, what in pairs {
      name = "a name is free at once after close",
      opened = "a name is free at once after both of its holders closed it",
      state = "a state is free for the next writer at once after close",
      mailslot = "a mailslot is free for the next reader at once after close",
      listener = "a pipe is free for the next listener at once after close",
      mutex = "a mutex that is closed while locked is neither there nor abandoned afterwards",
    } do
      it(what, function()
        local command = { folder .. "spawns", object, support.unique("Local\\"), tostring(TRIES) }
        -- A sanitizer slows each program that the thread starts, so the tries have a time limit of their own.
        local child <close> = process.spawn(command)
        assert.equal("0 failed", (child:read(10 * support.deadline)))
        assert.equal(0, child:wait(support.deadline))
      end)
    end
  end)
end)
