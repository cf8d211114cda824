-- Keeps a new API key. Where there are too many, dead ones make room, the oldest first.
-- KEYS: records, tenants, ends, uses, counts, stamp. ARGV: id, tenant, from when on it is of no use, record, most of a tenant,
-- most of all.
-- Returns 'yes', 'taken', 'tenant' (has too many) or 'full'.
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then return 'taken' end
local function is_tenant_full()
  return tonumber(redis.call('HGET', KEYS[5], ARGV[2]) or '0') >= tonumber(ARGV[5])
end
local function is_full() return redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[6]) end
if is_tenant_full() or is_full() then
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now())) do
    local tenant = redis.call('HGET', KEYS[2], id)
    if not is_tenant_full() and not is_full() then break end
    if tenant == ARGV[2] or not is_tenant_full() then
      redis.call('HDEL', KEYS[1], id)
      redis.call('HDEL', KEYS[2], id)
      redis.call('HDEL', KEYS[4], id)
      redis.call('ZREM', KEYS[3], id)
      if tenant and redis.call('HINCRBY', KEYS[5], tenant, -1) <= 0 then redis.call('HDEL', KEYS[5], tenant) end
      next_stamp(KEYS[6])
    end
  end
end
if is_tenant_full() then return 'tenant' end
if is_full() then return 'full' end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[4])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[3], ARGV[3], ARGV[1])
redis.call('HINCRBY', KEYS[5], ARGV[2], 1)
next_stamp(KEYS[6])
return 'yes'
