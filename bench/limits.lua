-- Checks that the C limits are limits. A bound such as "at most 1.15 times the C limit" cannot fail if the
-- limit itself was measured slow, by a mistake in its code or in the measurement.
local limits = {}

-- A limit may be slower than what it limits, since two programs never have equally good places in the caches,
-- but not by more than this factor.
limits.most = 1.5

-- What each limit limits. "C, futexes" limits nothing: it sleeps at once, and filemap's channels spin first.
local LIMITED <const> = {
  ["C limit"] = "filemap",
  ["C, looking first"] = "filemap",
  ["C, spinning"] = "filemap",
  ["C, FIFO"] = "luaposix FIFO",
}

-- Other processes disturb the shortest round least, so that a loaded machine does not make a limit look slow.
local function shortest(times)
  return math.min(table.unpack(times))
end

-- Returns why the measurement of `work` cannot be used, or nil. `samples` maps the names of the competitors
-- to arrays with the nanoseconds of each round.
function limits.check(work, samples)
  for limit, limited in pairs(LIMITED) do
    if samples[limit] and samples[limited] then
      local ratio = shortest(samples[limit]) / shortest(samples[limited])
      if ratio > limits.most then
        local message = "%s: the %s takes %.2f times as long as %s, which it should limit (at most %g)"
        return message:format(work, limit, ratio, limited, limits.most)
      end
    end
  end
end

return limits
