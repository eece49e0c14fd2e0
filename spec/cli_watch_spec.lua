-- filemap watch: on a terminal (tmux), in a pipe, and as JSON.
local command = require "spec.support.command"
local dkjson = require "dkjson"
local filemap = require "filemap"
local process = require "process"
local support = require "spec.support"
local tmux = require "spec.support.tmux"

local HEADER = [[
typedef struct { float x, y, z; } Vec3;
struct Car { uint32_t seq; float speed; Vec3 pos; int gears[12]; char track[32]; };
]]
local SPEED, X, TRACK = 4, 8, 68

support.clean()

local posix = tmux.only("tmux is a program of POSIX")

-- A section, its name, and the options that name the struct.
local function car()
  local view, name = command.section(("\0"):rep(256))
  view:set_f32(SPEED, 12.5)
  view:set_cstring(TRACK, "Nürburgring 内", 32)
  return view, name, command.file(HEADER, ".h")
end

local function watch(columns, locale, ...)
  return tmux.start(columns, 24, locale or "C.UTF-8", { "watch", ... })
end

-- No line is wider than the terminal, and the last row is the line of keys.
local function check_width(terminal, columns)
  local rows = 0
  for line in terminal:screen():gmatch("([^\n]*)\n") do
    rows = rows + 1
    assert.is_true((utf8.len(line) or #line) <= columns, line)
  end
  assert.is_true(rows <= 24)
end

describe("filemap watch on a terminal", function()
  for _, columns in ipairs { 80, 200 } do
    posix(("shows fields at %d columns"):format(columns), function()
      local view <close>, name, header = car()
      local terminal <close> = watch(columns, nil, name, "--header", header, "--type", "Car")
      terminal:expect("speed +12%.5\n")
      terminal:expect("track +Nürburgring 内")
      assert.is_truthy(terminal:screen():find("^" .. name:gsub("%-", "%%-") .. "  Car, %d+ bytes"))
      check_width(terminal, columns)
      view:set_f32(SPEED, 20)
      terminal:expect("%*  speed +20 ")
      terminal:expect("\n   speed +20 ") -- (the mark goes)
      assert.is_truthy(terminal:screen():find("█ ▁.*█\n"), terminal:screen())
      terminal:keys("q")
      terminal:expect("status 0\nrestored")
      assert.same({ "0", "1" }, { terminal:modes() })
    end)

    posix(("shows bytes at %d columns"):format(columns), function()
      local view <close>, name = car()
      local terminal <close> = watch(columns, nil, name)
      terminal:expect("\n00000000  00 00 00 00 00 00 48 41  00 00")
      view:set_u8(0, 0x5a)
      terminal:expect("\27%[1m\27%[33m5a", true)
      terminal:expect("\n00000000  5a 00")
      terminal:expect("^[^\27]*\27%[[^\n]*\n[^\n]*00000000  5a 00", true) -- (the mark goes)
      check_width(terminal, columns)
      terminal:keys("C-c")
      terminal:expect("status 0\nrestored")
    end)
  end

  posix("scrolls bytes, and searches them for each place of a text", function()
    local name = support.unique("Local\\")
    local map <close> = assert(filemap.create(name, 65536))
    local view <close> = assert(map:view())
    view:set_string(3000, "needle")
    view:set_string(3500, "needle")
    local terminal <close> = watch(80, nil, name)
    terminal:expect("\n00000000 ")
    terminal:keys("Down", "Down")
    terminal:expect("^[^\n]*\n00000020 ")
    terminal:keys("Up")
    terminal:expect("^[^\n]*\n00000010 ")
    terminal:keys("End")
    terminal:expect("\n0000fff0 [^\n]*\n")
    terminal:keys("Home")
    terminal:expect("^[^\n]*\n00000000 ")
    terminal:keys("/")
    terminal:type("needle")
    terminal:expect("\n/needle")
    terminal:keys("Enter")
    terminal:expect("^[^\n]*\n00000bb0 ")
    terminal:keys("n")
    terminal:expect("^[^\n]*\n00000da0 ")
    terminal:keys("n")
    terminal:expect("^[^\n]*\n00000bb0 ")
    terminal:keys("/")
    terminal:type("noneé")
    terminal:keys("BSpace", "Enter")
    terminal:expect("'none' was not found")
    terminal:keys("q")
    terminal:expect("status 0\nrestored")
  end)

  posix("shows only ASCII in the locale C", function()
    local view <close>, name, header = car()
    local terminal <close> = watch(80, "C", name, "--header", header, "--type", "Car")
    terminal:expect("track +N%?rburgring %?")
    view:set_f32(SPEED, 20)
    terminal:expect("speed +20  #+ ")
    assert.is_nil(terminal:screen():find("[\x80-\xff]"))
    terminal:keys("q")
    terminal:expect("status 0\nrestored")
  end)

  posix("folds, unfolds, searches and pauses by keys", function()
    local view <close>, name, header = car()
    local terminal <close> = watch(80, nil, name, "--header", header, "--type", "Car")
    terminal:expect("▸ gears +0 0 0 0")
    terminal:keys("/")
    terminal:type("gears[1")
    terminal:expect("\n/gears%[1")
    terminal:keys("Enter")
    terminal:expect("▾ gears *\n *%[1%] +0")
    terminal:keys("n", "n")
    terminal:keys("Left", "Left")
    terminal:expect("▸ gears +0 0 0 0")
    terminal:keys("Right")
    terminal:expect("%[12%]")
    terminal:keys("Home", "Down", "Down", "Enter")
    terminal:expect("▸ pos")
    terminal:keys("Enter")
    terminal:expect("▾ pos[^\n]*\n +x ")
    terminal:keys("/")
    terminal:type("none")
    terminal:keys("Enter")
    terminal:expect("'none' was not found")
    terminal:keys("p")
    terminal:expect("paused")
    view:set_f32(X, 77)
    process.sleep(0.3)
    assert.is_nil(terminal:screen():find(" x +77"))
    terminal:keys("p")
    terminal:expect(" x +77")
    terminal:keys("q")
    terminal:expect("status 0\nrestored")
  end)

  posix("shows no control characters of a name, and a path that is not UTF-8", function()
    local map <close> = assert(filemap.create("E\27]0;title\aX\u{9b}\u{202e}" .. support.unique(), 64))
    local terminal <close> = tmux.start(120, 24, "C.UTF-8", { "watch", map:name() })
    terminal:expect("^E\\x1b%]0;title\\x07X\\u{9b}\\u{202e}spec[^\n]*  64 bytes\n")
    terminal:keys("q")
    terminal:expect("status 0\nrestored")
    local other <close> = tmux.start(120, 24, "C.UTF-8", { "watch", command.file("abc", "\xff") })
    other:expect("^[^\n]*\u{FFFD}  3 bytes\n")
    other:keys("q")
    other:expect("status 0\nrestored")
  end)

  posix("is drawn again and again where stty does not work, until Ctrl-C", function()
    local view <close>, name = command.section("abc")
    local terminal <close> = tmux.start(80, 24, "C.UTF-8", { "watch", name,
      env = { PATH = "/nowhere", COLUMNS = "60", LINES = "10" } })
    terminal:expect("\n00000000  61 62 63[^\n]*\n" .. ("[^\n]*\n"):rep(6) .. "Ctrl%-C ends\n")
    view:set_u8(0, 65)
    terminal:expect("00000000  41 62 63")
    assert(os.execute("kill -INT " .. terminal:pid()))
    terminal:expect("status 0\nrestored")
  end)

  posix("draws with ASCII where no variable names a locale", function()
    local _ <close>, name, header = car()
    local terminal <close> = tmux.start(80, 24, "", { "watch", name, "--header", header, "--type", "Car",
      env = { LC_CTYPE = "", LANG = "" } })
    terminal:expect("track +N%?rburgring %?")
    assert.is_nil(terminal:screen():find("[\x80-\xff]"))
    terminal:keys("q")
    terminal:expect("status 0\nrestored")
  end)

  posix("follows the terminal's size", function()
    local _ <close>, name, header = car()
    local terminal <close> = watch(80, nil, name, "--header", header, "--type", "Car")
    terminal:expect("arrows move, fold\n$")
    terminal:resize(40, 10)
    local line = "[^\n]*\n"
    terminal:expect("^" .. line .. "[^\n]*seq" .. line:rep(8) .. "q quit" .. line .. "$")
    terminal:resize(120, 30)
    terminal:expect("track[^\n]*\n\n+q quit  p pause  / search  n next  arrows move, fold\n$")
    assert.is_true(select(2, terminal:screen():gsub("\n", "")) == 30)
    terminal:keys("q")
    terminal:expect("status 0\nrestored")
  end)

  for name_of, signal in pairs { TERM = 143, KILL = 137, HUP = 129 } do
    posix("leaves the terminal as it was when SIG" .. name_of .. " ends it", function()
      local _ <close>, name, header = car()
      local terminal <close> = watch(80, nil, name, "--header", header, "--type", "Car")
      terminal:expect("speed +12%.5\n")
      assert.same({ "1", "0" }, { terminal:modes() })
      assert(os.execute(("kill -%s %d"):format(name_of, terminal:pid())))
      terminal:expect(("status %d\nrestored"):format(signal))
      local deadline = process.now() + support.deadline
      repeat
        local alternate, cursor = terminal:modes()
        assert.is_true(process.now() < deadline)
      until alternate == "0" and cursor == "1"
    end)
  end

  posix("leaves the terminal as it was when its helper was killed", function()
    local _ <close>, name, header = car()
    local terminal <close> = watch(80, nil, name, "--header", header, "--type", "Car")
    terminal:expect("speed +12%.5\n")
    assert(os.execute(("pkill -KILL -P %d"):format(terminal:pid())))
    terminal:keys("q")
    terminal:expect("status 0\nrestored")
    assert.same({ "0", "1" }, { terminal:modes() })
  end)

  posix("leaves the terminal as it was when the section's memory is lost", function()
    local path = command.file(("\0"):rep(8192))
    local terminal <close> = watch(80, nil, path)
    terminal:expect("00000000  00")
    local _ <close> = assert(io.open(path, "wb")) -- (cuts it to nothing)
    terminal:expect("filemap: [^\n]*truncated[^\n]*\nstatus 1\nrestored")
    assert.same({ "0", "1" }, { terminal:modes() })
  end)

  posix("leaves no answer of the terminal to the shell", function()
    local _ <close>, name = command.section("abc")
    local screen, shell = support.tmpname(), support.tmpname()
    local file <close> = assert(io.open(shell, "w"))
    file:write(command.line { "watch", name }, "\nstty -icanon -echo min 0 time 3\n",
      "echo \"rest:$(dd bs=99 count=1 2>/dev/null | od -An -c):\"\n")
    file:close()
    local script = process.spawn { "script", "-qfc", "sh " .. shell, screen }
    local function wait(text)
      local deadline, said = process.now() + support.deadline, ""
      repeat
        local shown = io.open(screen, "rb")
        said = shown and shown:read("a") or said
        if shown then shown:close() end
      until said:find(text) or process.now() > deadline
      return said
    end
    assert.is_truthy(wait("\27%[6n"):find("\27%[6n"))
    script:write("q\27[24;80R")
    local said = wait("rest:.*:")
    assert.is_truthy(said:find("rest::", 1, true), (said:match("rest:.*")))
    script:close()
  end)

  posix("takes less than 3 % of a processor at 10 Hz", function()
    local view <close>, name, header = car()
    local terminal <close> = watch(80, nil, name, "--header", header, "--type", "Car")
    terminal:expect("speed +12%.5\n")
    local function used()
      local fields = command.read(("/proc/%d/stat"):format(terminal:pid())):match("%) (.*)$")
      local user, system = fields:match("^%S+ %S+ %S+ %S+ %S+ %S+ %S+ %S+ %S+ %S+ %S+ (%d+) (%d+)")
      return (tonumber(user) + tonumber(system)) / 100
    end
    local before, start = used(), process.now()
    for i = 1, 50 do
      view:set_f32(SPEED, i)
      process.sleep(0.1)
    end
    local share = (used() - before) / (process.now() - start)
    assert.is_true(share < 0.03, ("%.1f %%"):format(share * 100))
    terminal:keys("q")
    terminal:expect("status 0\nrestored")
  end)
end)

describe("the columns of text on a terminal", function()
  local text = require "filemap.cli.text"

  it("are two of wide characters, and one of others", function()
    local wide = { 0x231A, 0x23E9, 0x2614, 0x267F, 0x26A1, 0x2705, 0x274C, 0x2B50, 0x3042, 0x5185, 0xAC00,
      0xFF01, 0x16FE0, 0x17000, 0x18800, 0x1B000, 0x1F004, 0x1F0CF, 0x1F18E, 0x1F201, 0x1F320, 0x1F600,
      0x1F6FC, 0x1F7E0, 0x1F9FF, 0x1FA70, 0x20000, 0x3FFFD }
    local narrow = { 0xE9, 0x3B1, 0x2319, 0x23F1, 0x2588, 0x2600, 0x2713, 0x2B4F, 0x303F, 0x4DC0, 0xFF61,
      0x1F003, 0x1F321, 0x1F336, 0x1F53E, 0x1F6D3, 0x1F93B, 0x1FA00 }
    for _, code in ipairs(wide) do assert.equal(2, text.width(utf8.char(code)), ("U+%04X"):format(code)) end
    for _, code in ipairs(narrow) do assert.equal(1, text.width(utf8.char(code)), ("U+%04X"):format(code)) end
    assert.equal("⚡ ✅", text.fit("⚡ ✅✅", 5))
    assert.equal("⚡ ", text.cut("⚡ ✅", 4))
  end)
end)

describe("filemap watch elsewhere", function()
  it("prints all fields once with --once", function()
    local _ <close>, name, header = car()
    local said = command.output { "watch", name, "--once", "--header", header, "--type", "Car" }
    assert.is_truthy(said:find("^seq=0\nspeed=12.5\npos.x=0\npos.y=0\npos.z=0\ngears%[1%]=0\n"), said)
    assert.is_nil(said:find("\27"))
  end)

  it("prints what changed at each look in a pipe", function()
    local view <close>, name, header = car()
    local child = command.start { "watch", name, "--header", header, "--type", "Car", "--interval", "0.02" }
    repeat local line = child:expect() until line:find("^track=")
    view:set_f32(SPEED, 13)
    assert.equal("speed=13", child:expect())
    view:set_f32(X, 1)
    assert.equal("pos.x=1", child:expect())
    child:close()
  end)

  it("prints one object a look with --json", function()
    local view <close>, name, header = car()
    local child = command.start { "watch", name, "--json", "--header", header, "--type", "Car", "--interval",
      "0.02" }
    local first = dkjson.decode(child:expect())
    assert.equal(12.5, first.fields.speed)
    assert.same({ x = 0, y = 0, z = 0 }, first.fields.pos)
    assert.equal(12, #first.fields.gears)
    view:set_f32(SPEED, 13)
    local object
    repeat object = dkjson.decode(child:expect()) until object.fields.speed == 13
    assert.is_true(object.time > first.time)
    assert.is_true(math.abs(object.time - os.time()) < 60)
    child:close()
  end)

  it("prints bytes with --json and no header", function()
    local _ <close>, name = car()
    local object = dkjson.decode(command.output { "watch", name, "--json", "--once" })
    assert.equal("0000000000004841", object.bytes:sub(1, 16))
  end)

  it("never shows a change half-way with --guard", function()
    local view <close>, name = command.section(("\0"):rep(4096 + 264))
    local header = command.file("struct Pair { uint32_t seq; uint32_t end; uint64_t v[32]; };", ".h")
    local child = command.start { "watch", name, "--json", "--header", header, "--type", "Pair", "--guard",
      "even=seq", "--interval", "0.001" }
    local n = 0
    for _ = 1, 100 do
      for _ = 1, 200 do
        n = n + 2
        view:store_u32(0, n - 1)
        for i = 0, 31 do view:set_u64(8 + 8 * i, n) end
        view:store_u32(0, n)
      end
      local fields = dkjson.decode(child:expect()).fields
      for i = 2, 32 do assert.equal(fields.v[1], fields.v[i]) end
      assert.equal(0, fields.seq % 2)
    end
    child:close()
  end)

  it("keeps the last copy with --guard while the writer stays inside a change", function()
    local view <close>, name, header = car()
    local child = command.start { "watch", name, "--json", "--interval", "0.02", "--guard", "even=seq",
      "--header", header, "--type", "Car" }
    local function speed() return dkjson.decode(child:expect()).fields.speed end
    assert.equal(12.5, speed())
    view:set_u32(0, 1)
    view:set_f32(SPEED, 99)
    local stop = process.now() + 1.5
    repeat
      assert.equal(12.5, speed())
    until process.now() > stop
    view:set_u32(0, 2)
    support.eventually(function() return speed() == 99 end)
    child:close()
  end)

  it("fails with --guard if no copy is whole in its first second, and with --once", function()
    local view <close>, name, header = car()
    view:set_u32(0, 1)
    for _, once in ipairs { "--once", "--json" } do
      local said, problem, status = command.run { "watch", name, once, "--guard", "even=seq", "--header",
        header, "--type", "Car" }
      assert.same({ "", "filemap: Car: no copy was whole within 1 s\n", 1 }, { said, problem, status })
    end
  end)

  it("is quiet when its reader closes the pipe", function()
    if support.windows then return pending("a closed pipe ends a process only on POSIX") end
    local _ <close>, name = car()
    local line = command.line { "watch", name, "--json" }
    local pipe <close> = assert(io.popen(line .. " 2>&1 | head -n 1"))
    local said = pipe:read("a")
    assert.is_truthy(said:find('^{"time":[^\n]*}\n$'), said)
  end)
end)
