HEADER=()
def usage_rows(a,b): return []
def cost_rows(a,b): return []
