-- filemap dump
local common = require "filemap.cli.common"
local fail = require "filemap.cli.fail"
local hex = require "filemap.cli.hex"
local number = require "filemap.cli.number"
local out = require "filemap.cli.out"
local source = require "filemap.cli.source"

local command = {
  name = "dump", summary = "print bytes in hexadecimal and as text",
  description = {
    "The output is that of 'hexdump -C': a line that repeats the one before is shown as '*' once.",
  },
  arguments = { common.name },
  options = {
    { "--offset", "N", "the first byte", convert = number.size, default = "0" },
    { "--length", "N", "the number of bytes (default: the rest)", convert = number.size },
    common.file,
  },
  examples = {
    { "filemap dump Telemetry --length 64", "shows the first 64 bytes" },
    { "filemap dump ./state.bin --offset 0x100", "shows a file from byte 256 on" },
    { "filemap dump Telemetry | less", "shows all of it by pages" },
  },
}

local WIDTH = 16
-- How many bytes are copied at once, a multiple of WIDTH.
local CHUNK = 4096 * WIDTH

-- Whether each row of a chunk repeats the row before it.
local function repeats(view, from, length)
  return length % WIDTH == 0 and view:equals(from, view, from - WIDTH, length)
end

-- Prints the lines of a range. Standard output gets a chunk at once.
local function print_range(view, offset, stop)
  local before, starred
  local function print_chunk(from, length)
    local bytes, lines = view:get_string(from, length), {}
    for i = 1, #bytes, WIDTH do
      local row = bytes:sub(i, i + WIDTH - 1)
      if row ~= before then
        lines[#lines + 1] = hex.line(from + i - 1, row)
        before, starred = row, false
      elseif not starred then
        lines[#lines + 1] = "*"
        starred = true
      end
    end
    if lines[1] then out.line(table.concat(lines, "\n")) end
  end
  for from = offset, stop - 1, CHUNK do
    local length = math.min(CHUNK, stop - from)
    -- (Most of a large section may be zeros.)
    if not (starred and repeats(view, from, length)) then print_chunk(from, length) end
  end
  out.line(("%08x"):format(stop))
end

function command.run(args)
  local view = source.open(args.name, args.file)
  if args.offset > #view then
    fail(("%s: offset %d is past the end at %d"):format(args.name, args.offset, #view))
  end
  local rest = #view - args.offset
  local length = math.min(args.length or rest, rest)
  if length > 0 then fail.raised(1, print_range, view, args.offset, args.offset + length) end
end

return command
