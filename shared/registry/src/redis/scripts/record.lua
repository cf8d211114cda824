-- Everything of a session.
-- KEYS: record, kept. Returns account, owner, fence, state, sealed, memo; nothing when it was forgotten.
local own = redis.call('HMGET', KEYS[1], 'account', 'owner', 'fence', 'state', 'sealed', 'memo')
if not own[4] then return {} end
if own[4] == 'ended' then
  local kept = redis.call('HGET', KEYS[2], 'sealed')
  if not kept then return {} end
  own[5], own[6] = kept, ''
end
return own
