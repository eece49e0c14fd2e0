-- Threads under gcc's thread sanitizer (spec/protocol/threads.c, thread_objects.c): it finds memory that two
-- threads use at once without an order between them, on any processor.
local process = require "process"
local support = require "spec.support"

-- The compiler's options, and the library's sources.
local FLAGS <const> = "-std=gnu11 -g -O1 -fsanitize=thread -Wno-tsan -pthread"
local SOURCES <const> = "$(find src -name '*.c' ! -path 'src/lua/*')"

support.clean()

local function build(name)
  local program, log = support.tmpname(), support.tmpname(".log")
  local command = ("gcc %s -o %s spec/protocol/%s.c %s -ldl >%s 2>&1")
    :format(FLAGS, program, name, SOURCES, log)
  return os.execute(command) and program
end

support.only("posix", "the programs are POSIX programs", function()
  describe("threads that use one piece of memory", function()
    for name, arguments in pairs {
      threads = { "30000" }, thread_objects = { support.unique("Local\\"), "2000" },
    } do
      it("have an order between all accesses: " .. name, function()
        if os.getenv("FILEMAP_PRESET") then return pending("only the usual build is watched") end
        if not os.execute("echo | gcc -fsanitize=thread -shared -x c -o /dev/null - 2>/dev/null") then
          return pending("gcc has no thread sanitizer here")
        end
        local program = assert(build(name), "the program was not built")
        -- The sanitizer needs the usual addresses.
        local child <close> = process.spawn { env = { TSAN_OPTIONS = "halt_on_error=1" }, "setarch", "-R",
          program, table.unpack(arguments) }
        child:expect("hold$")
        assert.equal(0, child:wait(support.deadline))
      end)
    end
  end)
end)
