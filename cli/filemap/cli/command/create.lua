-- filemap create
local clock = require "filemap.cli.clock"
local fail = require "filemap.cli.fail"
local filemap = require "filemap"
local interrupt = require "filemap.cli.interrupt"
local number = require "filemap.cli.number"
local out = require "filemap.cli.out"
local source = require "filemap.cli.source"
local transfer = require "filemap.cli.transfer"

local command = {
  name = "create", summary = "make a section and hold it until interrupted",
  description = {
    "A name lives as long as a process holds it, so this command runs until Ctrl-C or a signal ends it. It "
    .. "prints the name and the size as soon as the section exists.",
  },
  arguments = {
    { "name", "NAME", "the section's name" },
    { "size", "SIZE", "bytes, or with K, M or G; with --from it may be left out", count = "?",
      convert = number.size },
  },
  options = {
    { "--from", "FILE", "fill it with a file's bytes; '-' is standard input" },
    { "--mode", "OCTAL", "permissions on POSIX (default: 0600)" },
  },
  examples = {
    { "filemap create Game 64K", "holds 65536 zero bytes" },
    { "filemap create Game --from ./saved.bin &", "holds a copy of a file in the background" },
  },
}

-- Standard input has no size, so it is read first.
local function bytes_of(path)
  if path == "-" then return (source.open("-")) end
  return source.view(fail.unless(filemap.file(path)), path)
end

-- Says that the section exists, and waits for Ctrl-C.
local function hold(name, size)
  out.line(("%s\t%d"):format(name, size))
  out.flush()
  clock.sleep_until(math.huge)
end

function command.run(args)
  if not args.size and not args.from then fail.usage("SIZE is missing") end
  source.check_name(args.name)
  local from = args.from and bytes_of(args.from)
  local size = args.size or #from
  if from and #from > size then fail(("%s: has %d bytes, more than %d"):format(args.from, #from, size)) end
  local map = fail.unless(fail.raised(2, filemap.create, args.name, size, { mode = args.mode }))
  local view = fail.unless(map:view())
  local remover = source.remove_at_end(args.name)
  if from then transfer.copy(view, from, #from, args.name) end
  interrupt(hold, args.name, size)
  if remover then remover:close() end
end

return command
