"""Is a submission right?"""
