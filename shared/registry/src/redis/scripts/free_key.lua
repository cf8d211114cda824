-- Frees a key whose call has sent nothing. One with an outcome stays.
-- KEYS: record, keys, times. ARGV: fence, key. Returns 1, or 0 when the session is not the caller's.
if not is_owned(KEYS[1], ARGV[1]) then return 0 end
local found = redis.call('HGET', KEYS[2], ARGV[2])
if found and not cmsgpack.unpack(found).outcome then
  redis.call('HDEL', KEYS[2], ARGV[2])
  redis.call('ZREM', KEYS[3], ARGV[2])
end
return 1
