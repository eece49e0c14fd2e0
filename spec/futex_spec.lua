-- Sleeping on a futex in programs of both word sizes, with each width of time_t and with another C library
-- (spec/futex/sleeps.c), and waking all that sleep (spec/futex/wakes.c). The layout of the kernel's time-out
-- does not depend on the C library's.
local process = require "process"
local support = require "spec.support"

support.clean()

-- Builds a program.
local function build(compiler, source)
  local program = support.tmpname()
  local command = ("%s -std=gnu11 -O2 -Wall -Werror -o %s %s %s -pthread >%s.log 2>&1"):format(
    compiler, program, source, "src/system/linux/wait.c", program)
  local ok = os.execute(command)
  os.remove(program .. ".log")
  return ok and program
end

local BUILDS <const> = {
  { "of this machine's word size", "gcc", 64 },
  { "of 32 bits with a 32-bit time_t", "gcc -m32 -D_FILE_OFFSET_BITS=64", 32 },
  { "of 32 bits with a 64-bit time_t", "gcc -m32 -D_TIME_BITS=64 -D_FILE_OFFSET_BITS=64", 64 },
  { "that uses musl", "musl-gcc -idirafter /usr/include -idirafter /usr/include/$(uname -m)-linux-gnu", 64 },
}

support.only("posix", "Windows waits for events", function()
  describe("a sleep of 0.2 s", function()
    for _, case in ipairs(BUILDS) do
      local what, compiler, bits = table.unpack(case)
      it("takes 0.2 s and no processor time in a program " .. what, function()
        local program = build(compiler, "spec/futex/sleeps.c")
        if not program and compiler ~= "gcc" then return pending(compiler .. " does not work here") end
        assert(program, "the program was not built")
        local child <close> = process.spawn { program }
        child:expect(("^time_t of %d bits$"):format(bits))
        -- A signal may end a sleep early, so the longest of five sleeps counts.
        local longest, used = 0, 0
        for _ = 1, 5 do
          local slept, processor = child:expect("^(%S+) (%S+)$")
          longest, used = math.max(longest, tonumber(slept)), used + tonumber(processor)
        end
        assert.is_true(longest >= 0.2, ("slept %g s"):format(longest))
        assert.is_true(used < 0.1, ("used %g s of the processor"):format(used))
        assert.equal(0, child:wait(support.deadline))
        os.remove(program)
      end)
    end
  end)

  describe("a wake", function()
    it("wakes all threads that sleep on the word", function()
      local program = assert(build("gcc", "spec/futex/wakes.c"), "the program was not built")
      local child <close> = process.spawn { program }
      child:expect("^8 of 8 woke$")
      assert.equal(0, child:wait(support.deadline))
      os.remove(program)
    end)
  end)
end)
