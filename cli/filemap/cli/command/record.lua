-- filemap record
local clock = require "filemap.cli.clock"
local common = require "filemap.cli.common"
local fail = require "filemap.cli.fail"
local filemap = require "filemap"
local interrupt = require "filemap.cli.interrupt"
local number = require "filemap.cli.number"
local out = require "filemap.cli.out"
local progress = require "filemap.cli.progress"
local recording = require "filemap.cli.recording"
local source = require "filemap.cli.source"

local command = {
  name = "record", summary = "store a live section over time",
  description = {
    "FILE gets only the bytes that changed, with their times. It can be replayed up to the last second also "
    .. "if the recorder is killed. Ctrl-C ends the recording.",
  },
  arguments = { common.name, { "to", "FILE", "the file to write; '-' is standard output" } },
  options = {
    { "--rate", "HZ", "copies a second", convert = number.positive, default = "60" },
    { "--duration", "S", "end after this many seconds", convert = number.seconds },
    common.file,
  },
  examples = {
    { "filemap record Telemetry lap.fmr", "records until Ctrl-C" },
    { "filemap record Telemetry lap.fmr --rate 100 --duration 60", "records a minute, 100 times a second" },
  },
}

-- A killed recorder loses no more than what it wrote since the last flush. Seconds.
local FLUSH = 0.5

local function private(size)
  return fail.unless(fail.unless(filemap.create(nil, size)):view())
end

-- One copy of the section, and what of it must be written. A quiet second is written too, so that it is
-- replayed.
local function step(self, time)
  self.now:copy(0, self.live, 0, self.size)
  local written = self.bytes
  recording.changes(self.before, self.now, self.size, self.started, function(changes)
    -- (The last frame of more than one is written also if it is empty.)
    local needless = changes == "" and self.bytes == written and self.started
    if needless and time - self.written < FLUSH then return end
    recording.write(self.file, time, changes)
    self.bytes = self.bytes + #changes + 12
  end)
  self.started = true
  if self.bytes > written then
    self.before, self.now, self.written = self.now, self.before, time
  end
  if time - self.flushed >= FLUSH or not self.flushed_once then
    out.flush(self.file)
    self.flushed, self.flushed_once = time, true
  end
end

local function loop(self, args, bar)
  local start, n, last = clock.now(), 0, args.duration or math.huge
  while true do
    local time = clock.now() - start
    if time > last and self.started then break end
    fail.raised(1, step, self, time)
    bar:update(args.duration and time / last, ("%.0f s, %s"):format(time, progress.bytes(self.bytes)))
    -- A copy that came late is left out.
    n = math.max(n + 1, math.ceil((clock.now() - start) * args.rate))
    clock.sleep_until(start + math.min(n / args.rate, last + 1e-6))
  end
end

function command.run(args)
  local live = source.open(args.name, args.file)
  local size = #live
  local file = source.output(args.to)
  recording.begin(file, args.name, size, clock.time())
  local self = { live = live, size = size, file = file, before = private(size), now = private(size),
    written = 0, flushed = 0, bytes = 0 }
  local start, bar = clock.now(), progress.start(args.name)
  interrupt(loop, self, args, bar)
  bar:finish()
  -- The last frame tells how long the recording is. (The last copy may have ended late.)
  local length = math.min(clock.now() - start, args.duration or math.huge)
  recording.write(file, math.max(length, self.written), "")
  out.flush(file)
end

return command
