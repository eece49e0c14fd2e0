-- The file format of `filemap record`, which doc/command.md describes. Internal to the command.
--
--   header   "filemap recording 1\n", u64 size of the section, f64 seconds since 1970, u16 length, name
--   frame    u32 length of the changes, f64 seconds since the start, the changes
--   changes  one after another: distance from the end of the change before, number of bytes, the bytes
--
-- All numbers are little-endian. Distances and numbers of bytes have 7 bits a byte, the lowest first; a set
-- eighth bit means that more follow. The first frame counts from zero bytes. A frame without changes only
-- tells the time. A frame with MOST bytes of changes or more is continued by the next one.
local fail = require "filemap.cli.fail"
local out = require "filemap.cli.out"
local source = require "filemap.cli.source"

local recording = {}

local MAGIC, HEAD, FRAME = "filemap recording 1\n", "<I8ds2", "<I4d"
local FRAME_SIZE = string.packsize(FRAME)

--- The bytes of changes after which a new frame begins.
recording.MOST = 4 << 20

-- {-- Changes --------------------------------------------------------------------------------------

local function varint(n)
  local bytes = {}
  while n > 127 do
    bytes[#bytes + 1] = string.char(n & 127 | 128)
    n = n >> 7
  end
  return table.concat(bytes) .. string.char(n)
end

-- Returns the number at i, and the position behind it; nothing if it is cut or has more than 63 bits.
local function read_varint(s, i)
  local n, shift = 0, 0
  while true do
    local byte = s:byte(i)
    if not byte or shift > 56 then return nil end
    n, shift, i = n | (byte & 127) << shift, shift + 7, i + 1
    if byte < 128 then return n, i end
  end
end

-- Views are compared in large blocks, then in small ones, then by bytes.
local LARGE, SMALL = 4096, 64
-- Two changes with this many equal bytes between them are stored as one, which is shorter.
local GAP = 2

-- Calls add(from, to) for each run of bytes in a small block that differ.
local function compare_bytes(before, now, offset, length, add)
  local a = { before:get_string(offset, length):byte(1, -1) }
  local b = { now:get_string(offset, length):byte(1, -1) }
  local from
  for i = 1, length do
    if a[i] == b[i] then
      if from then add(offset + from - 1, offset + i - 1) end
      from = nil
    else
      from = from or i
    end
  end
  if from then add(offset + from - 1, offset + length) end
end

-- Calls add(from, to) for each run of bytes that differ, or without `exact` for each small block that does.
local function compare(before, now, size, exact, add)
  for large = 0, size - 1, LARGE do
    local stop = math.min(large + LARGE, size)
    if not now:equals(large, before, large, stop - large) then
      for small = large, stop - 1, SMALL do
        local length = math.min(SMALL, stop - small)
        if not now:equals(small, before, small, length) then
          if exact then compare_bytes(before, now, small, length, add) else add(small, small + length) end
        end
      end
    end
  end
end

-- Returns a function add(from, to) that collects changes, and one that ends them. Both call emit(changes).
local function collector(now, emit)
  local parts, length, done = {}, 0, 0
  local function finish()
    emit(table.concat(parts))
    parts, length, done = {}, 0, 0
  end
  local function put(s)
    parts[#parts + 1] = s
    length = length + #s
  end
  return function(from, to)
    for at = from, to - 1, recording.MOST do
      local n = math.min(recording.MOST, to - at)
      put(varint(at - done))
      put(varint(n))
      put(now:get_string(at, n))
      done = at + n
      if length >= recording.MOST then finish() end
    end
  end, finish
end

--- Calls emit(changes) for each frame that the changes from one view to another of the same size take: all of
-- them but the last have MOST bytes or more, and the last may be "". Both views must be private. `exact` is
-- false for the first moment, of which whole blocks are stored.
function recording.changes(before, now, size, exact, emit)
  local add, finish = collector(now, emit)
  local from, to
  compare(before, now, size, exact, function(first, last)
    if from and first - to <= GAP then to = last return end
    if from then add(from, to) end
    from, to = first, last
  end)
  if from then add(from, to) end
  finish()
end

local function damaged(path, what)
  fail(("%s: the recording is damaged: %s"):format(path, what))
end

-- Calls put(offset, first, last) for each change: its bytes are changes:sub(first, last).
local function each(path, changes, size, put)
  local i, offset = 1, 0
  while i <= #changes do
    local distance, length
    distance, i = read_varint(changes, i)
    if i then length, i = read_varint(changes, i) end
    local room = size - offset
    if not i or distance > room or length > room - distance or length > #changes - i + 1 then
      damaged(path, "a change is past the end")
    end
    put(offset + distance, i, i + length - 1)
    offset, i = offset + distance + length, i + length
  end
end

local function nothing() end

--- Calls write(offset, bytes) for each change of a frame of a section of this size. All of them are checked
-- before. The path of the recording is for messages.
function recording.apply(path, changes, size, write)
  each(path, changes, size, nothing)
  each(path, changes, size, function(offset, first, last) write(offset, changes:sub(first, last)) end)
end

-- {-- Files ----------------------------------------------------------------------------------------

--- Writes the header.
function recording.begin(file, name, size, time)
  out.to(file, MAGIC, string.pack(HEAD, size, time, name))
end

--- Writes a frame.
function recording.write(file, time, changes)
  out.to(file, string.pack(FRAME, #changes, time), changes)
end

--- Reads the header: size, time, name.
function recording.header(file, path)
  local fixed = string.packsize("<I8dI2")
  local start = source.read(file, #MAGIC + fixed) or ""
  if start:sub(1, #MAGIC) ~= MAGIC or #start < #MAGIC + fixed then
    fail(path .. ": is not a recording of filemap")
  end
  local size, time, length = string.unpack("<I8dI2", start, #MAGIC + 1)
  local name = length == 0 and "" or source.read(file, length) or ""
  if size < 1 or size > 1 << 46 or #name < length then fail(path .. ": the recording's header is damaged") end
  return size, time, name
end

-- Reads so many bytes, or all that are left. (Lua allocates all of them before it reads. So what a damaged
-- file asks for is read in pieces.)
local function read_bytes(file, length)
  local parts, left = {}, length
  while left > 0 do
    local bytes = source.read(file, math.min(left, recording.MOST))
    if not bytes then break end
    parts[#parts + 1], left = bytes, left - #bytes
  end
  return table.concat(parts)
end

--- The next frame: seconds, changes. Nothing at the end, or at a frame that was not written to its end.
function recording.read(file, path, before, size)
  local head = source.read(file, FRAME_SIZE)
  if not head or #head < FRAME_SIZE then return nil end
  local length, time = string.unpack(FRAME, head)
  if not (time >= before and time < 1e12) then damaged(path, "the time of a frame is out of range") end
  if length > 4 * size + 64 then damaged(path, "a frame is longer than the section allows") end
  local changes = read_bytes(file, length)
  if #changes < length then return nil end
  return time, changes
end

return recording
