-- filemap record and replay: the file format, its size, its times, and recorders that are killed.
local command = require "spec.support.command"
local filemap = require "filemap"
local process = require "process"
local support = require "spec.support"

support.clean()

-- The frames of a recording, read as doc/command.md describes the format: { time =, changes = }.
local function frames(path)
  local bytes = command.read(path)
  assert.equal("filemap recording 1\n", bytes:sub(1, 20))
  local size, start, name, at = string.unpack("<I8ds2", bytes, 21)
  local found = { size = size, start = start, name = name }
  while at + 11 <= #bytes do
    local length, time
    length, time, at = string.unpack("<I4d", bytes, at)
    if at + length - 1 > #bytes then break end
    found[#found + 1] = { time = time, changes = bytes:sub(at, at + length - 1) }
    at = at + length
  end
  return found
end

-- Applies a frame to an array of bytes.
local function apply(changes, bytes)
  local at, offset = 1, 0
  local function number()
    local n, shift = 0, 0
    repeat
      local byte = changes:byte(at)
      n, shift, at = n | (byte & 127) << shift, shift + 7, at + 1
    until byte < 128
    return n
  end
  while at <= #changes do
    offset = offset + number()
    local length = number()
    for i = 0, length - 1 do bytes[offset + i + 1] = changes:byte(at + i) end
    offset, at = offset + length, at + length
  end
end

-- The bytes of a section after all frames.
local function last_state(found)
  local bytes = {}
  for i = 1, found.size do bytes[i] = 0 end
  for _, frame in ipairs(found) do apply(frame.changes, bytes) end
  local parts = {}
  for i = 1, found.size, 4096 do
    parts[#parts + 1] = string.char(table.unpack(bytes, i, math.min(i + 4095, found.size)))
  end
  return table.concat(parts)
end

-- A recording with these frames: { seconds, changes }...
local function recording(size, list)
  local parts = { "filemap recording 1\n", string.pack("<I8ds2", size, 0, "made") }
  for _, frame in ipairs(list) do parts[#parts + 1] = string.pack("<I4d", #frame[2], frame[1]) .. frame[2] end
  return command.file(table.concat(parts))
end

describe("filemap record", function()
  it("stores the first bytes and each change, and nothing else", function()
    local view <close>, name = command.section(("a"):rep(12288))
    local path = support.tmpname()
    local child = command.start { "record", name, path, "--rate", "200", "--duration", "1" }
    local deadline = process.now() + support.deadline
    repeat
      local file = io.open(path, "rb")
      local size = file and file:seek("end") or 0
      if file then file:close() end
      assert.is_true(process.now() < deadline)
    until size > 12288
    view:set_string(5000, "bcd")
    process.sleep(0.1)
    view:set_string(9999, "e")
    assert.equal(0, child:wait(support.deadline))
    local found = frames(path)
    assert.same({ 12288, name }, { found.size, found.name })
    assert.is_true(math.abs(found.start - os.time()) < 60)
    assert.equal(("a"):rep(5000) .. "bcd" .. ("a"):rep(4996) .. "e" .. ("a"):rep(2288), last_state(found))
    local changed = {}
    for _, frame in ipairs(found) do
      if frame.changes ~= "" then changed[#changed + 1] = frame.changes end
    end
    assert.same({ "\x88\x27\3bcd", "\x8f\x4e\1e" }, { table.unpack(changed, 2) })
    assert.is_true(math.abs(found[#found].time - 1) < 0.2, found[#found].time)
    assert.is_true(#command.read(path) < 12288 + 200)
  end)

  it("stores the first bytes also if the duration is 0", function()
    local _ <close>, name = command.section("abc")
    local path = support.tmpname()
    assert.equal("", command.output { "record", name, path, "--duration", "0" })
    assert.equal("abc", last_state(frames(path)):sub(1, 3)) -- (Windows rounds the size up.)
  end)

  it("needs less than 10 MB for a minute of 64 KiB at 60 Hz of which 1 % changes", function()
    -- The changes of one second, made by the function that the recorder uses, in the worst case: single bytes
    -- anywhere, each with a new value.
    local changes = require("filemap.cli.recording").changes
    local size, bytes, seed = 65536, 0, os.time()
    math.randomseed(seed)
    local before <close> = filemap.create(nil, size):view()
    local now <close> = filemap.create(nil, size):view()
    for _ = 1, 60 do
      for _ = 1, size // 100 do
        local at = math.random(0, size - 1)
        now:set_u8(at, now:get_u8(at) + math.random(1, 255) & 255)
      end
      changes(before, now, size, true, function(frame) bytes = bytes + #frame + 12 end)
      before:copy(0, now, 0, size)
    end
    assert.is_true(bytes * 60 < 10e6, ("seed %d: %.1f MB"):format(seed, bytes * 60 / 1e6))
    assert.is_true(bytes * 60 > 1e6)
  end)

  it("splits many changes into frames, of which none is much longer than its limit", function()
    local recordings = require "filemap.cli.recording"
    local limit, size, seed = recordings.MOST, 65536, os.time()
    math.randomseed(seed)
    local before <close> = filemap.create(nil, size):view()
    local now <close> = filemap.create(nil, size):view()
    local again <close> = filemap.create(nil, size):view()
    now:fill(1000, 20000, 7)
    for _ = 1, 3000 do now:set_u8(math.random(0, size - 1), math.random(0, 255)) end
    finally(function() recordings.MOST = limit end)
    recordings.MOST = 512
    for _, exact in ipairs { true, false } do
      local list = {}
      recordings.changes(before, now, size, exact, function(frame) list[#list + 1] = frame end)
      assert.is_true(#list > 40)
      for i, frame in ipairs(list) do
        assert.is_true(#frame < 2 * 512 + 20, seed)
        assert.equal(i < #list, #frame >= 512, seed)
        recordings.apply("path", frame, size, function(offset, bytes) again:set_string(offset, bytes) end)
      end
      assert.is_true(again:equals(0, now, 0, size), seed)
      again:fill(0, size, 0)
    end
  end)

  it("loses at most a second when it is killed", function()
    local view <close>, name = command.section(("\0"):rep(4096))
    local path = support.tmpname()
    local child = command.start { "record", name, path, "--rate", "200" }
    local start, times = process.now(), {}
    while process.now() < start + 2.5 do
      local n = #times + 1
      times[n] = process.now() - start
      view:set_u32(0, n)
      process.sleep(0.01)
    end
    child:kill()
    child:wait(support.deadline)
    local stopped = process.now() - start
    local last = string.unpack("<I4", last_state(frames(path)))
    assert.is_true(stopped - times[last] < 1, ("the last of %d values is %d"):format(#times, last))
    -- What is there is replayed.
    local copy = support.unique()
    local replay = command.start { "replay", path, copy, "--speed", "1000", "--hold" }
    local map
    local deadline = process.now() + support.deadline
    repeat map = filemap.open(copy) until map or process.now() > deadline
    local other <close> = assert(map:view())
    map:close()
    repeat until other:get_u32(0) == last or process.now() > deadline
    assert.equal(last, other:get_u32(0))
    replay:close()
  end)

  local posix = support.only("posix", "signals are POSIX's")
  posix("ends well at Ctrl-C", function()
    local _ <close>, name = command.section("abc")
    local path = support.tmpname()
    local child = command.start { "record", name, path }
    local deadline = process.now() + support.deadline
    repeat
      local file = io.open(path, "rb")
      local size = file and file:seek("end") or 0
      if file then file:close() end
    until size > 0 or process.now() > deadline
    command.signal(child, "INT")
    assert.equal(0, child:wait(support.deadline))
    local found = frames(path)
    assert.equal("abc", last_state(found))
    assert.equal("", found[#found].changes)
  end)
end)

describe("filemap replay", function()
  -- Watches a number and returns when each value was there first: value -> seconds of the clock. It sleeps
  -- between two looks, since a system preempts a process that does not.
  local function watch(view, last)
    local seen, deadline = {}, process.now() + support.deadline
    repeat
      local n = view:get_u32(0)
      if not seen[n] then seen[n] = process.now() end
      process.sleep(0.0002)
    until n == last or process.now() > deadline
    return seen
  end

  local function numbers(count, step)
    local list = {}
    for i = 1, count do list[i] = { (i - 1) * step, "\0\4" .. string.pack("<I4", i) } end
    return list
  end

  it("changes the section within 2 ms of the recorded times", function()
    local view <close>, name = command.section(("\0"):rep(64))
    local path = recording(64, numbers(50, 0.02))
    -- On a busy machine another process may have the processor, so the best of some runs counts.
    local least, worst = math.huge, nil
    for _ = 1, 8 do
      view:set_u32(0, 0)
      local child = command.start { "replay", path, name }
      local seen, offs = watch(view, 50), {}
      assert.equal(0, child:wait(support.deadline))
      for i = 1, 50 do offs[#offs + 1] = seen[i] and seen[i] - (i - 1) * 0.02 end
      table.sort(offs)
      local late, middle = 50 - #offs, offs[(#offs + 1) // 2]
      for _, off in ipairs(offs) do
        if math.abs(off - middle) > 0.002 then late = late + 1 end
      end
      if late < least then least, worst = late, (offs[#offs] or 0) - (offs[1] or 0) end
      if least <= 5 then break end
    end
    assert.is_true(least <= 5, ("%d of 50 are late, the worst by %.1f ms"):format(least, worst * 1000))
  end)

  it("plays faster with --speed and again with --loop", function()
    local view <close>, name = command.section(("\0"):rep(64))
    local list = numbers(11, 0.1)
    list[12] = { 1.1, "" }
    local path = recording(64, list)
    local start = process.now()
    local child = command.start { "replay", path, name, "--speed", "10", "--loop" }
    local rounds = 0
    while rounds < 3 and process.now() < start + support.deadline do
      watch(view, 11)
      rounds = rounds + 1
      watch(view, 2)
    end
    assert.equal(3, rounds)
    assert.is_nil(child:wait(0))
    child:close()
  end)

  it("does not repeat a recording without duration", function()
    local path = recording(64, { { 0, "" } })
    local _, problem, status = command.run { "replay", path, support.unique(), "--loop" }
    assert.equal(1, status)
    assert.is_truthy(problem:find("is too short to repeat", 1, true), problem)
    assert.equal(2, select(3, command.run { "replay", "-", support.unique(), "--loop", input = "" }))
  end)

  support.only("posix", "Windows has no FIFO")("does not repeat a FIFO", function()
    local path = support.tmpname()
    assert(os.execute(("mkfifo %s; cat %s >%s &"):format(path, recording(64, numbers(9, 0.001)), path)))
    local _, problem, status = command.run { "replay", path, support.unique(), "--loop" }
    assert.same({ "filemap: --loop needs a file that can be read again (see 'filemap --help')\n", 2 },
      { problem, status })
  end)

  it("makes the section, and shows it whole from its first byte", function()
    local path = recording(1 << 20, { { 0, "\0\x80\x80\x40" .. ("x"):rep(1 << 20) }, { 0.3, "" } })
    local name = support.unique()
    local child = command.start { "replay", path, name, "--hold" }
    local map
    local deadline = process.now() + support.deadline
    repeat map = filemap.open(name) until map or process.now() > deadline
    local view <close> = assert(map:view())
    map:close()
    assert.equal(1 << 20, #view)
    local whole, shown = ("x"):rep(1 << 20), false
    repeat -- (The bytes of one copy become visible in any order.)
      local first = view:get_u8(0) ~= 0
      assert.is_false(shown and not first)
      shown = first
    until shown and view:get_string(0, 1 << 20) == whole or process.now() > deadline
    assert.is_true(shown)
    child:close()
  end)

  it("leaves nothing of what the section had before, in each round", function()
    local view <close>, name = command.section(("z"):rep(200000))
    local path = recording(200000, { { 0, "\5\2ab" }, { 0.05, "\x80\x80\x08\1c" }, { 0.1, "" } })
    local child = command.start { "replay", path, name, "--loop" }
    local function shows(last)
      local expected = ("\0"):rep(5) .. "ab" .. ("\0"):rep(131065) .. last .. ("\0"):rep(68927)
      support.eventually(function() return view:get_string(0, 200000) == expected end)
    end
    for _, last in ipairs { "\0", "c", "\0", "c" } do shows(last) end
    child:close()
  end)

  -- Starts a replay that holds its section, and waits until the section has the byte at the offset.
  local function held(path, name, offset, byte)
    local child = command.start { "replay", path, name, "--hold" }
    local map
    support.eventually(function()
      map = filemap.open(name)
      return map
    end)
    local view <close> = assert(map:view(offset, 1))
    map:close()
    support.eventually(function() return view:get_u8(0) == byte end)
    return child
  end

  local posix = support.only("posix", "/proc and signals are Linux's")
  posix("takes little memory for a short file, whatever size its header states", function()
    local lfs = require "lfs"
    local name = support.unique("/")
    local path = recording(1 << 30, { { 0, "\x80\x80\x80\x80\2\1a" }, { 0, "\1\1b" } })
    local child = held(path, name, 1, ("b"):byte())
    local allocated = lfs.attributes("/dev/shm" .. name, "blocks") * 512
    assert.is_true(allocated < 1 << 20, allocated)
    child:close()
  end)

  posix("takes little memory for a frame that states 4 GiB and is not there", function()
    if support.sanitized then return pending("the sanitizer reserves more addresses than the limit") end
    local head = string.pack("<I8ds2I4d", 1 << 30, 0, "made", 0xffffffff, 0)
    local _, problem, status = command.run { "replay", command.file("filemap recording 1\n" .. head),
      support.unique(), under = "prlimit --as=1700000000" }
    assert.same({ "", 0 }, { problem, status })
  end)

  posix("needs no second copy of the section", function()
    local size, name = 48 << 20, support.unique()
    local path = recording(size, { { 0, "\xff\xff\xff\x17\1a" } })
    local child = held(path, name, size - 1, ("a"):byte())
    local memory = command.read(("/proc/%d/status"):format(child:pid())):match("RssShmem:%s+(%d+)")
    assert.is_true(tonumber(memory) < size >> 11, memory .. " KiB")
    child:close()
  end)

  posix("removes a /name that it made, also at SIGTERM and SIGKILL", function()
    local path = recording(64, { { 0, "\0\1a" } })
    for _, signal in ipairs { "INT", "TERM", "KILL" } do
      local name = support.unique("/")
      local child = held(path, name, 0, ("a"):byte())
      command.signal(child, signal)
      child:wait(support.deadline)
      support.eventually(function() return not filemap.open(name) end)
    end
    local view <close>, name = command.section("abcd" .. ("\0"):rep(60), "/")
    held(path, name, 1, 0):close()
    assert.equal("a", view:get_cstring(0))
    assert(filemap.open(name)):close() -- (It did not make this one.)
  end)

  it("plays into a section that a C program reads", function()
    local name = support.unique(not support.windows and "/" or "Local\\")
    local folder = package.searchpath("process", package.cpath):match("^(.*[/\\])")
    local source, path = support.unique(not support.windows and "/" or "Local\\"), support.tmpname()
    local game = process.spawn { folder .. "game", "feed", source, support.windows and "16" or "32" }
    game:expect("^READY$")
    command.output { "record", source, path, "--duration", "0.5" }
    game:finish()
    local child = command.start { "replay", path, name, "--loop" }
    local deadline = process.now() + support.deadline
    repeat
      local map = filemap.open(name)
      if map then map:close() end
    until map or process.now() > deadline
    local said = process.spawn { support.lua, "examples/mumble_reader.lua", "--name", name, "--count", "2" }
    said:expect("^tick %d+: The Game, Jane at ")
    said:expect("^tick %d+: The Game, Jane at ")
    said:close()
    child:close()
  end)

  it("ends before a frame whose end is missing", function()
    local whole = command.read(recording(64, { { 0, "\0\1a" }, { 0.001, "\1\3bcd" } }))
    for _, missing in ipairs { 1, 4, 5, 16 } do
      local view <close>, name = command.section(("\0"):rep(64))
      local path = command.file(whole:sub(1, -1 - missing))
      local _, problem, status = command.run { "replay", path, name, "--speed", "1e6" }
      assert.equal(0, status, problem)
      assert.equal("a\0\0\0", view:get_string(0, 4))
    end
  end)

  it("rejects other files and damaged recordings", function()
    local function problem_of(path)
      local _, problem, status = command.run { "replay", path, support.unique(), "--speed", "1e6" }
      assert.equal(1, status, problem)
      return problem
    end
    assert.is_truthy(problem_of(command.file("hello")):find("is not a recording", 1, true))
    local damaged = { long = "\0\x7fabc", far = "\x7f\1a", cut = "\x80", endless = ("\x80"):rep(12) }
    local function check(path, what, name)
      local message = ("filemap: %s: the recording is damaged: %s\n"):format(path, what)
      assert.equal(message, problem_of(path), name)
    end
    for name, frame in pairs(damaged) do
      check(recording(64, { { 0, frame } }), "a change is past the end", name)
    end
    for name, time in pairs { nan = 0 / 0, early = -1, late = math.huge } do
      check(recording(64, { { time, "" } }), "the time of a frame is out of range", name)
    end
    local long = recording(64, { { 0, ("\0"):rep(400) } })
    check(long, "a frame is longer than the section allows", "long frame")
  end)

  it("survives recordings with random damage", function()
    local recordings = require "filemap.cli.recording"
    local seed = os.time()
    math.randomseed(seed)
    local view <close> = filemap.create(nil, 64):view()
    for _ = 1, 2000 do
      local bytes = {}
      for i = 1, math.random(0, 40) do bytes[i] = string.char(math.random(0, 255)) end
      local well, problem = pcall(recordings.apply, "path", table.concat(bytes), #view, function(offset, part)
        view:set_string(offset, part)
      end)
      assert.is_true(well or type(problem) == "table" and problem.message ~= nil, ("seed %d: %s"):format(seed,
        tostring(problem)))
    end
  end)
end)
