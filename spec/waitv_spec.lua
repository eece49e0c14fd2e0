-- Kernels before Linux 5.16 have no futex_waitv(2). Here a filter (seccomp(2)) makes the call fail with
-- ENOSYS, and the specs that depend on it must pass as they do with it.
local process = require "process"
local support = require "spec.support"

-- The number of futex_waitv(2) on every processor.
local FUTEX_WAITV <const> = 449

-- Without the call an idle thread wakes 250 times a second, and each time it reads the words of all its
-- objects: 15 ms a second for 150 objects. AddressSanitizer makes the reads slow.
local IDLE_FACTOR <const> = support.sanitized and "6" or "2.5"

support.only("posix", "the filter is Linux's", function()
  describe("without futex_waitv", function()
    for _, spec in ipairs { "wait_any", "pollable" } do
      support.natively(it)("all of " .. spec .. "_spec passes", function() -- (qemu has no such filters)
        local refuse = ("assert(require('process').refuse(%d))"):format(FUTEX_WAITV)
        local path = ("spec/%s_spec.lua"):format(spec)
        local run <close> = process.spawn { support.lua, "-e", refuse, arg[0], "-o", "TAP", path,
          env = { FILEMAP_ROUNDS = "200", FILEMAP_IDLE_FACTOR = IDLE_FACTOR } }
        local passed, lines = 0, {}
        for line in function() return run:read(4 * support.deadline) end do
          if line:find("^ok") then passed = passed + 1 else lines[#lines + 1] = line end
        end
        local rest = table.concat(lines, "\n")
        assert.is_nil(rest:find("^not ok") or rest:find("\nnot ok"), rest)
        assert.is_true(passed > 10)
        assert.equal(0, run:wait(support.deadline))
      end)
    end
  end)
end)
