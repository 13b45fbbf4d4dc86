-- GCRA on one or two buckets, all or nothing. Times are microseconds.
-- KEYS: the buckets. ARGV: now (0 = this server's clock), cost, then for each
-- bucket its interval and its tolerance.
-- Returns, for each bucket: 1 if it would pass, and how far ahead it is then.
local now = tonumber(ARGV[1])
local cost = tonumber(ARGV[2])
if now == 0 then
  local t = redis.call('TIME')
  now = tonumber(t[1]) * 1000000 + tonumber(t[2])
end
local reply, states, pass = {}, {}, true
for i = 1, #KEYS do
  local step, tolerance = tonumber(ARGV[1 + 2 * i]), tonumber(ARGV[2 + 2 * i])
  local from = tonumber(redis.call('GET', KEYS[i]) or '0')
  from = math.min(math.max(from, now), now + tolerance)
  local after = from + cost * step
  if after > now + tolerance then
    pass = false
    states[i] = from
    reply[2 * i - 1] = 0
  else
    states[i] = after
    reply[2 * i - 1] = 1
  end
  reply[2 * i] = states[i] - now
end
if pass and cost > 0 then
  for i = 1, #KEYS do
    local ttl = math.ceil((states[i] - now) / 1000) + 1
    redis.call('SET', KEYS[i], string.format('%.0f', states[i]), 'PX', ttl)
  end
end
return reply
