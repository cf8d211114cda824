-- Begins a call under a key.
-- KEYS: record, keys, times. ARGV: fence, name, attempt, fingerprint, for how long keys are kept in ms, how many.
-- Returns 'stale', 'new', 'other', 'full'; 'open' and the attempt; or 'done', the attempt and its outcome.
if not is_owned(KEYS[1], ARGV[1]) then return { 'stale' } end
local time, keep = now(), tonumber(ARGV[5])
repeat
  local old = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', time - keep, 'LIMIT', 0, 1000)
  if #old > 0 then
    redis.call('HDEL', KEYS[2], unpack(old))
    redis.call('ZREM', KEYS[3], unpack(old))
  end
until #old == 0

local found = redis.call('HGET', KEYS[2], ARGV[2])
if not found then
  if redis.call('ZCARD', KEYS[3]) >= tonumber(ARGV[6]) then return { 'full' } end
  local key = { print = ARGV[4], attempt = ARGV[3], fence = ARGV[1], is_sent = false }
  redis.call('HSET', KEYS[2], ARGV[2], cmsgpack.pack(key))
  redis.call('ZADD', KEYS[3], time, ARGV[2])
  redis.call('PEXPIRE', KEYS[2], keep)
  redis.call('PEXPIRE', KEYS[3], keep)
  return { 'new' }
end
local key = cmsgpack.unpack(found)
if key.print ~= ARGV[4] then return { 'other' } end
if key.outcome then return { 'done', key.attempt or '', key.outcome } end
if key.is_sent or key.fence == ARGV[1] then return { 'open', key.attempt or '' } end
-- Its owner is gone and has sent nothing.
key.fence, key.attempt = ARGV[1], ARGV[3]
redis.call('HSET', KEYS[2], ARGV[2], cmsgpack.pack(key))
return { 'new' }
