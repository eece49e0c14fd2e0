-- filemap replay
local clock = require "filemap.cli.clock"
local fail = require "filemap.cli.fail"
local filemap = require "filemap"
local interrupt = require "filemap.cli.interrupt"
local number = require "filemap.cli.number"
local progress = require "filemap.cli.progress"
local recording = require "filemap.cli.recording"
local source = require "filemap.cli.source"

local command = {
  name = "replay", summary = "play a recording back into a section",
  description = {
    "The section is made if there is none. It lives until the recording ends, or with --hold until Ctrl-C.",
  },
  arguments = { { "from", "FILE", "a file of 'filemap record'; '-' is standard input" },
    { "name", "NAME", "the section's name" } },
  options = {
    { "--speed", "X", "2 plays twice as fast", convert = number.positive, default = "1" },
    { "--loop", nil, "begin again at the end" },
    { "--hold", nil, "keep the last state until Ctrl-C" },
  },
  examples = {
    { "filemap replay lap.fmr Telemetry", "plays a lap to a dashboard, without the game" },
    { "filemap replay lap.fmr Telemetry --speed 0.5 --loop", "plays it slowly, again and again" },
  },
}

-- A shorter recording is not repeated, since it would only keep a processor busy. Seconds.
local SHORTEST = 0.001

-- A small file can state any size. So a section of more bytes is only reserved when it is made, and gets
-- memory in blocks, where a frame writes. (On Windows, other programs cannot read what is reserved.)
local COMMITTED, BLOCK = 64 << 20, 1 << 16

-- Notes that a range is written, and allocates its memory.
local function touch(self, from, to)
  for block = from // BLOCK, (to - 1) // BLOCK do
    if not self.touched[block] then
      local at = block * BLOCK
      fail.unless(self.view:commit(at, math.min(BLOCK, self.size - at)))
      self.touched[block] = true
    end
  end
end

-- Sets a range to 0. A section that was just made is 0, and so is each block that was not written.
local function clear(self, from, to)
  while from < to and not self.fresh do
    local stop = math.min(to, (from // BLOCK + 1) * BLOCK)
    if not self.touched or self.touched[from // BLOCK] then self.view:fill(from, stop - from, 0) end
    from = stop
  end
end

local function write(self, offset, bytes)
  if self.touched then touch(self, offset, offset + #bytes) end
  self.view:set_string(offset, bytes)
end

-- Plays all frames once, from a time of the clock on. Returns how long that took.
local function play(self, start)
  -- The first moment counts from zero bytes. Readers must not see them where it has others, so it is written
  -- in order, with zeros between its changes. `done` is its end so far, and nil after it.
  local last, done = 0, 0
  local function put(offset, bytes)
    if done then
      clear(self, done, offset)
      done = math.max(done, offset + #bytes)
    end
    write(self, offset, bytes)
  end
  while true do
    local time, changes = recording.read(self.file, self.path, last, self.size)
    if not time then break end
    clock.sleep_until(start + time / self.speed)
    recording.apply(self.path, changes, self.size, put)
    if done and #changes < recording.MOST then
      clear(self, done, self.size)
      done = nil
    end
    last = time
    if self.length then
      self.bar:update(self.file:seek() / self.length, ("%.0f s"):format(time))
    end
  end
  self.fresh = false
  return last / self.speed
end

local function run(self, args)
  local start = clock.now()
  while true do
    local took = play(self, start)
    if not args.loop then break end
    if took < SHORTEST then fail(args.from .. ": is too short to repeat") end
    self.file:seek("set", self.begin)
    start = start + took
  end
  if args.hold then clock.sleep_until(math.huge) end
end

-- Opens or makes the section. Returns its view, whether it was made, and whether it is only reserved.
local function section(name, size)
  local reserved = size > COMMITTED and filemap.platform == "posix"
  local map, created = fail.raised(1, filemap.create_or_open, name, size, { commit = not reserved })
  if not map then fail(created) end
  return fail.unless(map:view()), created, created and reserved
end

function command.run(args)
  source.check_name(args.name)
  local file = source.stream(args.from, "rb")
  local begin = file ~= io.stdin and file:seek()
  if args.loop and not begin then fail.usage("--loop needs a file that can be read again") end
  local size = recording.header(file, args.from)
  begin = begin and file:seek()
  local length = begin and file:seek("end")
  if begin then file:seek("set", begin) end
  local view, created, reserved = section(args.name, size)
  local remover = created and source.remove_at_end(args.name)
  local self = {
    file = file, path = args.from, size = size, speed = args.speed, begin = begin, length = length,
    view = view, fresh = created, touched = reserved and {} or nil, bar = progress.start(args.name),
  }
  fail.raised(1, interrupt, run, self, args)
  self.bar:finish()
  if remover then remover:close() end
end

return command
