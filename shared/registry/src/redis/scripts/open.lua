-- Makes a session, in place of one that has ended. Its log and its journal begin anew; the keys of its calls stay, unless
-- they are of another account.
-- KEYS: record, kept, log, journal, begun, then keys, times and bytes of both kinds. ARGV: account, owner, sealed.
-- Returns 'yes', fence; or 'taken', state, owner.
local old = redis.call('HMGET', KEYS[1], 'state', 'fence', 'owner', 'account')
if old[1] and old[1] ~= 'ended' then return { 'taken', old[1], old[3] } end
local fence = now()
if old[2] and tonumber(old[2]) >= fence then fence = tonumber(old[2]) + 1 end
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5])
if old[4] ~= ARGV[1] then redis.call('DEL', unpack(KEYS, 6)) end
local begin = text(fence) .. '-0'
redis.call('HSET', KEYS[1], 'state', 'opening', 'fence', text(fence), 'account', ARGV[1], 'owner', ARGV[2],
  'sealed', ARGV[3], 'memo', '', 'log_first', text(fence), 'log_end', begin, 'log_cut', begin, 'log_whole', '1')
return { 'yes', text(fence) }
