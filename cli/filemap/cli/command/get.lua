-- filemap get
local common = require "filemap.cli.common"
local fail = require "filemap.cli.fail"
local layout = require "filemap.cli.layout"
local out = require "filemap.cli.out"
local place = require "filemap.cli.place"
local source = require "filemap.cli.source"

local command = {
  name = "get", summary = "print fields or numbers of a section",
  description = {
    "WHAT is a field's path such as 'cars[3].pos[1]' with --header and --type, or T@OFFSET: T is one of "
    .. place.types .. ", or text as char[N], utf16[N] or utf32[N].",
    "One WHAT prints its value, several print WHAT=VALUE lines, which 'filemap set' takes.",
  },
  arguments = { common.name, { "what", "WHAT", "a field's path, or T@OFFSET", count = "+" } },
  options = { common.header, common.type, common.abi, common.guard, common.offset, common.file, common.json },
  examples = {
    { "filemap get Telemetry u32@0 f32@16", "prints two numbers by their offset" },
    { "filemap get Game speed --header game.h --type Telemetry --abi win64", "prints a field" },
    { "filemap get Game speed gear --header game.h --type Telemetry --json",
      "prints {\"speed\":…,\"gear\":…}" },
  },
}

local function read(places, type_, guard, args, view)
  local values, found = nil, {}
  for i, p in ipairs(places) do
    if p.read then
      found[i] = fail.raised(1, p.read, view, p.offset)
    else
      values = values or fail.unless(layout.reader(type_, view, args.offset, guard)())
      found[i] = p.value(values)
    end
  end
  return found
end

function command.run(args)
  local type_, places, object = layout.type_of(args), {}, {}
  local guard = layout.guard_of(args, type_)
  for i, what in ipairs(args.what) do places[i] = place.of(what, type_, args.offset) end
  local values = read(places, type_, guard, args, (source.open(args.name, args.file)))
  for i, p in ipairs(places) do
    if args.json then object[i] = { p.what, layout.json(p.type, values[i]) }
    else out.line((#places == 1 and "" or p.what .. "=") .. layout.text(p.type, values[i])) end
  end
  if args.json then out.object(object) end
end

return command
