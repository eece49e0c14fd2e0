-- filemap copy
local fail = require "filemap.cli.fail"
local filemap = require "filemap"
local source = require "filemap.cli.source"
local transfer = require "filemap.cli.transfer"

local command = {
  name = "copy", summary = "copy a section to a file, or a file to a section",
  description = {
    "FROM and TO are names of live sections, paths such as ./file, or '-' for standard input and output. A "
    .. "longer file is cut to the section's size. A section keeps its size: its first bytes are written.",
  },
  arguments = { { "from", "FROM", "a section or a file" }, { "to", "TO", "a section or a file" } },
  options = { { "--file", nil, "a word that no live section has is a path, even without './'" } },
  examples = {
    { "filemap copy Telemetry ./telemetry.bin", "saves a section" },
    { "filemap copy ./telemetry.bin Telemetry", "loads it again" },
    { "filemap copy Telemetry - | gzip >telemetry.gz", "compresses it" },
  },
}

-- The kind of a word: "stream", "path" or "name"; and the open map of a name.
local function resolve(word, args, access)
  if word == "-" then return "stream" end
  if source.is_path(word) then return "path" end
  local map, message, code = fail.raised(1, filemap.open, word, access)
  if map then return "name", map end
  if args.file and code == "not_found" then return "path" end
  if code == "not_found" then message = ("%s; a file is written ./%s"):format(message, word) end
  return source.failed(word, message, code)
end

local function to_section(args, kind, from_map, to_map)
  local to = fail.unless(to_map:view())
  if kind == "stream" then return transfer.read(to, io.stdin, "standard input") end
  local from = source.view(from_map or fail.unless(filemap.file(args.from)), args.from)
  if #from > #to then
    fail(("%s: has %d bytes, but %s only %d"):format(args.from, #from, args.to, #to))
  end
  return transfer.copy(to, from, #from, args.to)
end

function command.run(args)
  local from_kind, from_map = resolve(args.from, args, "r")
  local to_kind, to_map = resolve(args.to, args, "rw")
  if from_kind ~= "name" and to_kind ~= "name" then
    fail.usage(("neither '%s' nor '%s' is a section"):format(args.from, args.to))
  end
  if to_kind == "name" then
    to_section(args, from_kind, from_map, to_map)
    return
  end
  local view = fail.unless(from_map:view())
  local file = source.output(args.to)
  transfer.write(file, view, args.from)
  if file ~= io.stdout then fail.unless(file:close()) end
end

return command
