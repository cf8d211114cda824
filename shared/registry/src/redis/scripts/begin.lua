-- Writes a trade request that is about to be sent, and at its key that something was sent.
-- KEYS: record, begun, keys, their bytes. ARGV: fence, number, request, mark (0, or 1 or 2 and what makes the key), name and attempt of
-- the key, most that may be open.
-- Returns 1; 0 when the session is not the caller's; -1 when too many are open; -2 when it was settled before it was begun.
if not is_owned(KEYS[1], ARGV[1]) then return 0 end
local early = redis.call('HGET', KEYS[1], 'early')
if early and string.find(early, ',' .. ARGV[2] .. ',', 1, true) then return -2 end
local most = tonumber(ARGV[7])
if redis.call('HEXISTS', KEYS[2], ARGV[2]) == 0 and redis.call('HLEN', KEYS[2]) >= 2 * most then return -1 end
-- Two fields for each, so that what is stored is what is read: an entry without a key has an empty mark.
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3], ARGV[2] .. ':key', ARGV[4])
if ARGV[4] ~= '0' then
  local key = key_of(KEYS[3], ARGV[5], ARGV[6])
  if key then
    key.is_sent = true
    -- The last one counts, and none once there is an outcome: an earlier one may arrive here later.
    local is_late = key.outcome or (key.begun == ARGV[1] and tonumber(key.number) > tonumber(ARGV[2]))
    if not is_late then key.number, key.begun = ARGV[2], ARGV[1] end
    put_key(KEYS[3], KEYS[4], ARGV[5], key)
  end
end
return 1
