-- GCRA on the buckets of one or several calls, each call all or nothing. Times are microseconds.
-- KEYS: the buckets, call by call. ARGV: now (0 = this server's clock), then for each call its cost and how many buckets it has, and for each
-- of them its interval, its tolerance, the state in which the caller last saw it (0 = never), and how far ahead it is by what the caller charged without us (0 = nothing):
-- what was lost here is not forgotten so. The last is no time, since the caller's clock is another one, may be set, and its call may have waited.
-- Returns now, and for each bucket: 1 if it would pass, and how far ahead it is then.
local now = tonumber(ARGV[1])
if now == 0 then
  local t = redis.call('TIME')
  now = tonumber(t[1]) * 1000000 + tonumber(t[2])
end
local slack = 60000000
local reply, key, arg = {now}, 0, 2
while key < #KEYS do
  local cost, buckets = tonumber(ARGV[arg]), tonumber(ARGV[arg + 1])
  arg = arg + 2
  local pass, states, writes = true, {}, {}
  for i = 1, buckets do
    local step, tolerance, seen, owed = tonumber(ARGV[arg]), tonumber(ARGV[arg + 1]), tonumber(ARGV[arg + 2]), tonumber(ARGV[arg + 3])
    arg = arg + 4
    local raw = redis.pcall('GET', KEYS[key + i])
    local from = type(raw) == 'string' and tonumber(raw) or 0 -- of another type, or no number: as if it were not there
    if from ~= from then
      from = 0
    end
    from = math.max(from, seen, now + owed)
    if from > now + tolerance + slack then
      from = now + tolerance
      writes[i] = true
    end
    from = math.min(math.max(from, now), now + tolerance)
    local after = from + cost * step
    if after > now + tolerance then
      pass = false
      states[i] = from
      reply[#reply + 1] = 0
    else
      states[i] = after
      reply[#reply + 1] = 1
    end
    reply[#reply + 1] = states[i] - now
  end
  for i = 1, buckets do
    if writes[i] or pass and cost > 0 then
      local ttl = math.ceil((states[i] - now) / 1000) + 1
      redis.call('SET', KEYS[key + i], string.format('%.0f', states[i]), 'PX', ttl)
    end
  end
  key = key + buckets
end
return reply
