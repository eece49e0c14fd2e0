-- Moves bytes between sections, files and streams, with a progress bar. Internal to the command.
local fail = require "filemap.cli.fail"
local out = require "filemap.cli.out"
local progress = require "filemap.cli.progress"
local source = require "filemap.cli.source"

local transfer = {}

-- Bytes at once: a chunk stays in the processor's second cache between its two copies.
local CHUNK = 256 * 1024

local function note(done, total)
  return ("%s of %s"):format(progress.bytes(done), progress.bytes(total))
end

-- Calls step(offset, length) for each chunk.
local function each_chunk(size, label, step)
  local bar = progress.start(label)
  for offset = 0, size - 1, CHUNK do
    step(offset, math.min(CHUNK, size - offset))
    bar:update(offset / size, note(offset, size))
  end
  bar:finish()
end

--- Copies the first bytes of a view to another view.
function transfer.copy(to, from, size, label)
  each_chunk(size, label, function(offset, length)
    fail.raised(1, to.copy, to, offset, from, offset, length)
  end)
end

--- Writes all of a view to a stream.
function transfer.write(file, view, label)
  local read = view.get_string
  file:setvbuf("no")
  each_chunk(#view, label, function(offset, length)
    local bytes = fail.raised(1, read, view, offset, length)
    out.to(file, bytes)
  end)
end

--- Reads a stream into a view. Fails if the stream has more bytes than the view.
function transfer.read(view, file, label, total)
  local bar, offset = progress.start(label), 0
  file:setvbuf("no")
  while true do
    local bytes = source.read(file, CHUNK)
    if not bytes then break end
    if offset + #bytes > #view then fail(("%s: has more than %d bytes"):format(label, #view)) end
    fail.raised(1, view.set_string, view, offset, bytes)
    offset = offset + #bytes
    bar:update(total and offset / total, total and note(offset, total) or progress.bytes(offset))
  end
  bar:finish()
  return offset
end

return transfer
