-- Messages that both sides can compute: the length and bytes of message i of a sender follow from i and the
-- sender's number. The receiver compares each message with the expected one. Both sides return a hash of all
-- messages, and equal hashes show that they exchanged the same messages.
local traffic = {}

local LONGEST <const> = 200

-- Pseudo-random bytes that are the same on every machine: xorshift, eight bytes at a time.
local function noise(size)
  local words, x = {}, 88172645463325252
  for i = 1, size // 8 do
    x = x ~ (x << 13)
    x = x ~ (x >> 7)
    x = x ~ (x << 17)
    words[i] = string.pack("<i8", x)
  end
  return table.concat(words)
end

local bytes = noise(8192)

--- Message i of a sender. It starts with the sender's number and i.
function traffic.message(sender, i)
  local length = i * 31 % LONGEST
  local from = (i * 7 + sender * 1009) % (#bytes - LONGEST) + 1
  return string.pack("<I1I4", sender, i) .. bytes:sub(from, from + length - 1)
end

-- Adds a message to a hash with FNV's prime. Only the parts that differ between messages are hashed.
local function add(hash, message)
  return (hash ~ string.unpack("<I4", message, 2) ~ message:byte(-1) << 32) * 0x100000001b3
end

local function check(message, sender, i)
  if message ~= traffic.message(sender, i) then
    error(("message %d of %d is %q"):format(i, sender, tostring(message)), 0)
  end
  return message
end

--- Sends all of a sender's messages, by `send` or `write`, and closes the object. Returns their hash.
function traffic.one(object, method, count, sender)
  local hash, send = 0, object[method]
  for i = 1, count do
    local message = traffic.message(sender, i)
    assert(send(object, message))
    hash = add(hash, message)
  end
  object:close()
  return tostring(hash)
end

--- Sends and receives at once, as far as there is room. Returns the hash of both.
function traffic.both(conn, count, sender, other)
  local sent, received, mine, theirs = 0, 0, 0, 0
  while sent < count or received < count do
    while sent < count do
      local message = traffic.message(sender, sent + 1)
      local done, why, code = conn:send(message, 0)
      assert(done or code == "timeout", why)
      if not done then break end
      sent, mine = sent + 1, add(mine, message)
    end
    if received < count then
      local message, why = conn:receive()
      received = received + 1
      theirs = add(theirs, check(assert(message, why), other, received))
    end
  end
  return tostring(mine ~ theirs)
end

--- Receives from connections in turn, where connection i carries the messages of sender i. Returns the
--- hashes.
function traffic.receive_from(conns, count)
  local hashes = {}
  for i = 1, #conns do hashes[i] = 0 end
  for n = 1, count do
    for i, conn in ipairs(conns) do hashes[i] = add(hashes[i], check(assert(conn:receive()), i, n)) end
  end
  for i, conn in ipairs(conns) do
    assert(select(3, conn:receive()) == "closed")
    hashes[i] = tostring(hashes[i])
  end
  return hashes
end

--- Receives the messages of several senders from one mailslot, each sender's in order. Returns the hashes.
function traffic.receive_mixed(slot, senders, count)
  local hashes, last = {}, {}
  for i = 1, senders do hashes[i], last[i] = 0, 0 end
  for _ = 1, senders * count do
    local message = assert(slot:receive())
    local sender = message:byte()
    last[sender] = last[sender] + 1
    hashes[sender] = add(hashes[sender], check(message, sender, last[sender]))
  end
  for i = 1, senders do hashes[i] = tostring(hashes[i]) end
  return hashes
end

--- As traffic.one, for a stream. Its reader computes the length of each message.
function traffic.write(conn, count, sender)
  return traffic.one(conn, "write", count, sender)
end

function traffic.read(conn, count, sender)
  local hash = 0
  for i = 1, count do
    hash = add(hash, check(conn:read(#traffic.message(sender, i)), sender, i))
  end
  assert(select(3, conn:read(1)) == "closed")
  return tostring(hash)
end

return traffic
