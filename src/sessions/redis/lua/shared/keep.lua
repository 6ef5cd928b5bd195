--[[
  The owner's keys live as long as the last of the records, those of the parts (KEYS[2] and KEYS[3]) as long as the
  upload's own; all `margin` ms longer, but for KEYS[8], if any, which lives by itself. KEYS[5] has the owner's entries, by the end of the record.
]]
local function keepKeys(record, margin)
  redis.call('ZADD', KEYS[5], record.keepUntil, record.entry)
  local last = redis.call('ZREVRANGE', KEYS[5], 0, 0, 'WITHSCORES')[2]
  for i = 1, math.min(#KEYS, 7) do
    local ends = (i == 2 or i == 3) and record.keepUntil or tonumber(last)
    redis.call('PEXPIREAT', KEYS[i], ends + tonumber(margin))
  end
end
