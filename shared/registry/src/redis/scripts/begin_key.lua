-- Begins a call under a key.
-- KEYS: record, keys, times, bytes. ARGV: fence, name, attempt, fingerprint, for how long keys are kept in ms, how many,
-- how many bytes of them.
-- Returns 'stale', 'new', 'other', 'full'; 'open' and the attempt; or 'done', the attempt and its outcome.
if not is_owned(KEYS[1], ARGV[1]) then return { 'stale' } end
local time, keep = now(), tonumber(ARGV[5])
repeat
  local old = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', time - keep, 'LIMIT', 0, 1000)
  for _, name in ipairs(old) do drop_key(KEYS[2], KEYS[3], KEYS[4], name) end
until #old == 0

local found = redis.call('HGET', KEYS[2], ARGV[2])
if not found then
  local count = redis.call('ZCARD', KEYS[3])
  -- Whatever was counted is not there.
  if count == 0 then redis.call('DEL', KEYS[4]) end
  if count >= tonumber(ARGV[6]) then return { 'full' } end
  if tonumber(redis.call('GET', KEYS[4]) or '0') >= tonumber(ARGV[7]) then return { 'full' } end
  local key = { print = ARGV[4], attempt = ARGV[3], fence = ARGV[1], is_sent = false }
  put_key(KEYS[2], KEYS[4], ARGV[2], key)
  redis.call('ZADD', KEYS[3], time, ARGV[2])
  for index = 2, 4 do redis.call('PEXPIRE', KEYS[index], keep) end
  return { 'new' }
end
local key = cmsgpack.unpack(found)
if key.print ~= ARGV[4] then return { 'other' } end
if key.outcome then return { 'done', key.attempt or '', key.outcome } end
if key.is_sent or key.fence == ARGV[1] then return { 'open', key.attempt or '' } end
-- Its owner is gone and has sent nothing.
key.fence, key.attempt = ARGV[1], ARGV[3]
put_key(KEYS[2], KEYS[4], ARGV[2], key)
return { 'new' }
