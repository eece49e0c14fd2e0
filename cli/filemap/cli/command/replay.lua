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

-- Plays all frames once, from a time of the clock on. Returns how long that took.
local function play(self, start)
  local first, last = true, 0
  while true do
    local time, changes = recording.read(self.file, last, self.size)
    if not time then return last / self.speed end
    clock.sleep_until(start + time / self.speed)
    if first then
      -- The first frame counts from zero bytes. The section must not show them, so it is put together
      -- elsewhere.
      self.scratch:fill(0, self.size, 0)
      recording.apply(changes, self.scratch)
      self.view:copy(0, self.scratch, 0, self.size)
    elseif changes ~= "" then
      recording.apply(changes, self.view)
    end
    first, last = false, time
    if self.length then
      self.bar:update(self.file:seek() / self.length, ("%.0f s"):format(time))
    end
  end
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
  while args.hold do clock.sleep_until(clock.now() + 3600) end
end

function command.run(args)
  source.check_name(args.name)
  local file = source.stream(args.from, "rb")
  if file == io.stdin and args.loop then fail.usage("--loop needs a file that can be read again") end
  local size = recording.header(file, args.from)
  local begin = file ~= io.stdin and file:seek()
  local length = begin and file:seek("end")
  if begin then file:seek("set", begin) end
  local map, created = fail.raised(1, filemap.create_or_open, args.name, size)
  if not map then fail(created) end
  local self = {
    file = file, size = size, speed = args.speed, begin = begin, length = length,
    view = fail.unless(map:view()),
    scratch = fail.unless(fail.unless(filemap.create(nil, size)):view()), bar = progress.start(args.name),
  }
  fail.raised(1, interrupt, run, self, args)
  self.bar:finish()
  if created and filemap.platform == "posix" and args.name:sub(1, 1) == "/" then filemap.unlink(args.name) end
end

return command
