-- filemap set
local common = require "filemap.cli.common"
local fail = require "filemap.cli.fail"
local filemap = require "filemap"
local layout = require "filemap.cli.layout"
local place = require "filemap.cli.place"
local source = require "filemap.cli.source"

local command = {
  name = "set", summary = "write fields or numbers of a section",
  description = {
    "WHAT is as for 'filemap get'. Structs and arrays take JSON. All values are checked before one is "
    .. "written.",
  },
  arguments = { common.name, { "what", "WHAT=VALUE", "what to write, and its new value", count = "+" } },
  options = { common.header, common.type, common.abi, common.offset, common.file },
  examples = {
    { "filemap set Game u32@0=1 f32@4=0.5", "writes two numbers by their offset" },
    { "filemap set Game hp=100 'name=Jo' --header game.h --type Player", "writes fields" },
  },
}

-- Writes to a private copy of the bytes, which raises for each value that does not fit.
local function rehearse(view, changes)
  local from, to = math.maxinteger, 0
  for _, change in ipairs(changes) do
    local p = change.place
    if p.offset > #view - p.size then
      fail(("%s: offset %d + %d bytes is past the end of %d bytes"):format(p.what, p.offset, p.size, #view))
    end
    from, to = math.min(from, p.offset), math.max(to, p.to_end and #view or p.offset + p.size)
  end
  local map = fail.unless(filemap.create(nil, to - from))
  local copy = fail.unless(map:view())
  copy:copy(0, view, from, to - from)
  for _, change in ipairs(changes) do
    local p = change.place
    fail.raised(1, p.set, copy, p.offset - from, change.value)
  end
end

function command.run(args)
  local type_, changes = layout.type_of(args), {}
  for i, word in ipairs(args.what) do
    local what, value = word:match("^([^=]+)=(.*)$")
    if not what then fail.usage(("'%s': WHAT=VALUE expected"):format(word)) end
    changes[i] = { place = place.of(what, type_, args.offset), value = value }
  end
  local view = source.open(args.name, args.file, "rw")
  rehearse(view, changes)
  for _, change in ipairs(changes) do
    fail.raised(1, change.place.set, view, change.place.offset, change.value)
  end
end

return command
