-- filemap watch
local byte_view = require "filemap.cli.byte_view"
local common = require "filemap.cli.common"
local fail = require "filemap.cli.fail"
local field_view = require "filemap.cli.field_view"
local interrupt = require "filemap.cli.interrupt"
local layout = require "filemap.cli.layout"
local number = require "filemap.cli.number"
local out = require "filemap.cli.out"
local source = require "filemap.cli.source"
local text = require "filemap.cli.text"
local watching = require "filemap.cli.watching"

local command = {
  name = "watch", summary = "show a section live, with its changes marked",
  description = {
    "Without --header it shows bytes, with --header and --type a table of fields. Changes are marked for a "
    .. "second. A number that has shown a range gets a bar and its last values.",
    "Keys: arrows, Page Up and Page Down move; Right, Left and Enter unfold and fold; / searches, n goes to "
    .. "the next; p pauses; q or Ctrl-C ends.",
    "If the output is not a terminal, it prints the fields or lines that changed.",
  },
  arguments = { common.name },
  options = {
    common.header, common.type, common.offset, common.abi, common.guard,
    { "--interval", "S", "seconds from one look to the next", convert = number.positive, default = "0.1" },
    { "--once", nil, "print it once and end" }, common.file, common.json,
  },
  examples = {
    { "filemap watch Telemetry", "shows the bytes" },
    { "filemap watch Game --header game.h --type Game --abi win64 --guard even=seq",
      "shows the fields" },
    { "filemap watch Telemetry --header telemetry.h --type Telemetry --json",
      "prints {\"time\":…,\"fields\":…} ten times a second" },
  },
}

-- The most elements of a flexible array at the end of a struct that are shown.
local FLEXIBLE = 1024

-- A function that returns the newest whole copy: the last one again while the writer stays inside a change.
-- With --once there is one copy.
local function newest(read, args)
  local last = fail.unless(read())
  return function()
    if not args.once then last = read(args.interval) or last end
    return last
  end
end

-- The watched section: { view =, title =, read(), type =, nodes =, screen }.
local function subject(args)
  local type_ = layout.type_of(args)
  local guard = layout.guard_of(args, type_)
  local view = source.open(args.name, args.file)
  if args.offset >= #view then
    fail(("%s: offset %d is past the end at %d"):format(args.name, args.offset, #view))
  end
  local self = { interval = args.interval }
  if not type_ then
    local bytes = fail.unless(view:sub(args.offset, #view - args.offset))
    self.read = function() return bytes end
    self.bytes, self.base = bytes, args.offset
    self.title = text.printable(("%s  %d bytes"):format(args.name, #bytes))
    self.screen = byte_view(bytes, self.title)
    return self
  end
  self.read = newest(layout.reader(type_, view, args.offset, guard, FLEXIBLE), args)
  self.type, self.nodes = layout.ctype_of(type_), layout.nodes(type_, self.read())
  self.title = text.printable(("%s  %s, %d bytes"):format(args.name, args.type, type_.size))
  self.screen = field_view(self.nodes, self.title)
  return self
end

function command.run(args)
  local self = subject(args)
  local live = out.terminal and not args.once
  local show = args.json and watching.json or live and watching.live or watching.plain
  fail.raised(1, interrupt, show, self, args.once)
end

return command
